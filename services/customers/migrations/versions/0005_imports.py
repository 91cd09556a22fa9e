"""Imports, and triggers and functions that cost less where many customers come at once."""

from alembic import op

from chassis.db.migrations import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERVICE = "customers"

TABLES = """
    CREATE TABLE imports (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        filename VARCHAR(255) NOT NULL,
        state VARCHAR(30) DEFAULT 'uploading' NOT NULL,
        mode VARCHAR(10) NOT NULL,
        match_by VARCHAR(20),
        all_or_nothing BOOLEAN DEFAULT false NOT NULL,
        encoding VARCHAR(40),
        delimiter VARCHAR(1),
        columns JSONB DEFAULT '[]'::jsonb NOT NULL,
        mapping JSONB DEFAULT '{}'::jsonb NOT NULL,
        size BIGINT DEFAULT 0 NOT NULL,
        total_rows INTEGER,
        processed_rows INTEGER DEFAULT 0 NOT NULL,
        created_rows INTEGER DEFAULT 0 NOT NULL,
        updated_rows INTEGER DEFAULT 0 NOT NULL,
        unchanged_rows INTEGER DEFAULT 0 NOT NULL,
        failed_rows INTEGER DEFAULT 0 NOT NULL,
        reverted_rows INTEGER DEFAULT 0 NOT NULL,
        kept_rows INTEGER DEFAULT 0 NOT NULL,
        error_code VARCHAR(60),
        error_detail TEXT,
        next_chunk INTEGER DEFAULT 0 NOT NULL,
        first_code BIGINT,
        own_only BOOLEAN DEFAULT false NOT NULL,
        correlation_id VARCHAR(64) NOT NULL,
        created_by BIGINT,
        started_at TIMESTAMP WITH TIME ZONE,
        finished_at TIMESTAMP WITH TIME ZONE,
        reverted_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_imports PRIMARY KEY (id),
        CONSTRAINT fk_imports_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by),
        CONSTRAINT ck_imports_state CHECK (state IN ('uploading', 'uploaded', 'awaiting_confirmation', 'validating', 'running', 'reverting', 'completed', 'completed_with_errors', 'failed', 'cancelled', 'reverted')),
        CONSTRAINT ck_imports_mode CHECK (mode IN ('create', 'update', 'upsert')),
        CONSTRAINT ck_imports_match_by CHECK (match_by IN ('id', 'customer_code', 'email')),
        CONSTRAINT ck_imports_match CHECK (mode = 'create' OR match_by IS NOT NULL),
        CONSTRAINT uq_imports_company_id_id UNIQUE (company_id, id)
    );

    CREATE INDEX ix_imports_company_id_created_at ON imports (company_id, created_at, id);

    CREATE INDEX ix_imports_company_id_created_by ON imports (company_id, created_by);

    CREATE INDEX ix_imports_working ON imports (company_id, id) WHERE state IN ('validating', 'running', 'reverting');

    CREATE TABLE import_parts (
        company_id BIGINT NOT NULL,
        import_id BIGINT NOT NULL,
        number INTEGER NOT NULL,
        body BYTEA NOT NULL,
        CONSTRAINT pk_import_parts PRIMARY KEY (company_id, import_id, number),
        CONSTRAINT fk_import_parts_company_id_import_id FOREIGN KEY(company_id, import_id) REFERENCES imports (company_id, id) ON DELETE CASCADE
    );

    CREATE TABLE import_chunks (
        company_id BIGINT NOT NULL,
        import_id BIGINT NOT NULL,
        number INTEGER NOT NULL,
        size INTEGER NOT NULL,
        codes INTEGER DEFAULT 0 NOT NULL,
        rows BYTEA NOT NULL,
        outcome BYTEA,
        CONSTRAINT pk_import_chunks PRIMARY KEY (company_id, import_id, number),
        CONSTRAINT fk_import_chunks_company_id_import_id FOREIGN KEY(company_id, import_id) REFERENCES imports (company_id, id) ON DELETE CASCADE
    );

    CREATE TABLE import_errors (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        import_id BIGINT NOT NULL,
        chunk INTEGER NOT NULL,
        line INTEGER NOT NULL,
        column_name TEXT,
        code VARCHAR(60) NOT NULL,
        message TEXT NOT NULL,
        value TEXT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_import_errors PRIMARY KEY (id),
        CONSTRAINT fk_import_errors_company_id_import_id FOREIGN KEY(company_id, import_id) REFERENCES imports (company_id, id) ON DELETE CASCADE,
        CONSTRAINT uq_import_errors_company_id_id UNIQUE (company_id, id)
    );

    CREATE INDEX ix_import_errors_company_id_import_id ON import_errors (company_id, import_id, chunk);

    CREATE INDEX ix_import_errors_company_id_import_id_line ON import_errors (company_id, import_id, line, id);
"""

# The worker has no tenant when it looks for work. It is told where there is some, and goes on as that tenant.
WORKING = """
    CREATE FUNCTION working_imports(most integer)
    RETURNS TABLE (company_id bigint, id bigint, created_by bigint, own_only boolean, correlation_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT i.company_id, i.id, i.created_by, i.own_only, i.correlation_id FROM public.imports i
        WHERE i.state IN ('validating', 'running', 'reverting') ORDER BY i.id LIMIT most
    $$;

    -- Files that nobody went on with after three days, and all that a revert would go by once it is too late for one.
    CREATE FUNCTION purge_imports(most integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE total bigint := 0; gone bigint;
    BEGIN
        DELETE FROM public.import_parts WHERE ctid = ANY (ARRAY(SELECT p.ctid FROM public.import_parts p
            JOIN public.imports i ON i.company_id = p.company_id AND i.id = p.import_id
            WHERE i.updated_at < now() - interval '3 days' AND i.state NOT IN ('validating', 'running') LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        DELETE FROM public.import_chunks WHERE ctid = ANY (ARRAY(SELECT c.ctid FROM public.import_chunks c
            JOIN public.imports i ON i.company_id = c.company_id AND i.id = c.import_id
            WHERE i.updated_at < now() - interval '31 days' LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        DELETE FROM public.import_errors WHERE ctid = ANY (ARRAY(SELECT e.ctid FROM public.import_errors e
            JOIN public.imports i ON i.company_id = e.company_id AND i.id = e.import_id
            WHERE i.updated_at < now() - interval '31 days' LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        RETURN total;
    END $$;
"""

# Statistics of tables that are young, for whoever brings many rows; later on the server sees to them by itself.
ANALYZE = """
    CREATE FUNCTION analyze_customers() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        IF (SELECT c.reltuples FROM pg_class c WHERE c.oid = 'public.customers'::regclass) < 10000 THEN
            ANALYZE public.customers, public.customer_tags;
        END IF;
    END $$;
"""

# A function with a SET clause of its own costs more to call than these do: names are written out in full instead. The
# results are the same, so the index over customer_text() stays as it is.
CHEAPER = r"""
    CREATE OR REPLACE FUNCTION fold_text(given text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
    BEGIN
        RETURN pg_catalog.lower(public.unaccent('public.unaccent', given));
    END $$;

    CREATE OR REPLACE FUNCTION customer_text(name text, company_name text, email text, phone text, code text)
    RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    BEGIN
        RETURN pg_catalog.lower(public.unaccent('public.unaccent', pg_catalog.concat_ws(' ', name, company_name, email,
            code, pg_catalog.regexp_replace(phone, '[^0-9]', '', 'g'))));
    END $$;

    CREATE OR REPLACE FUNCTION know_industry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM public.industries i WHERE i.company_id OPERATOR(pg_catalog.=) NEW.company_id
                       AND i.name OPERATOR(pg_catalog.=) NEW.industry) THEN
            INSERT INTO public.industries (company_id, name) VALUES (NEW.company_id, NEW.industry)
            ON CONFLICT (company_id, name) DO NOTHING;
        END IF;
        RETURN NEW;
    END $$;

    CREATE FUNCTION keep_tags_of_new() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        INSERT INTO public.customer_tags (company_id, tag, customer_id)
        SELECT a.company_id, tag, a.id FROM added a, jsonb_array_elements_text(a.tags) tag WHERE a.tags <> '[]'
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;

    DROP TRIGGER keep_tags_of_new ON customers;

    CREATE TRIGGER keep_tags_of_new AFTER INSERT ON customers REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION keep_tags_of_new();
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("imports", service=SERVICE, grant="SELECT, INSERT, UPDATE")
    protect("import_parts", service=SERVICE, grant="SELECT, INSERT, UPDATE, DELETE")
    protect("import_chunks", service=SERVICE, grant="SELECT, INSERT, UPDATE, DELETE")
    protect("import_errors", service=SERVICE, grant="SELECT, INSERT, DELETE")
    op.execute(WORKING)
    op.execute(ANALYZE)
    for function in ("working_imports(integer)", "purge_imports(integer)", "analyze_customers()"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO customers_app")
    op.execute(CHEAPER)


def downgrade() -> None:
    """Imports that are under way would be lost; go back by restoring a backup."""
