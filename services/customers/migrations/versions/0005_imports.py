"""Imports: a file on its way in, its parts, its rows and what was wrong with them."""

from alembic import op

from chassis.db.migrations import create_waiting, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERVICE = "customers"

TABLES = """
    CREATE TABLE customer_imports (
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
        CONSTRAINT pk_customer_imports PRIMARY KEY (company_id, id),
        CONSTRAINT fk_customer_imports_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by),
        CONSTRAINT ck_customer_imports_state CHECK (state IN ('uploading', 'uploaded', 'awaiting_confirmation', 'validating', 'running', 'reverting', 'completed', 'completed_with_errors', 'failed', 'cancelled', 'reverted')),
        CONSTRAINT ck_customer_imports_mode CHECK (mode IN ('create', 'update', 'upsert')),
        CONSTRAINT ck_customer_imports_match_by CHECK (match_by IN ('id', 'customer_code', 'email')),
        CONSTRAINT ck_customer_imports_match CHECK (mode = 'create' OR match_by IS NOT NULL)
    );

    CREATE INDEX ix_customer_imports_company_id_created_at ON customer_imports (company_id, created_at, id);
    CREATE INDEX ix_customer_imports_company_id_created_by ON customer_imports (company_id, created_by);
    CREATE INDEX ix_customer_imports_working ON customer_imports (company_id, id) WHERE state IN ('validating', 'running', 'reverting');

    CREATE TABLE import_parts (
        company_id BIGINT NOT NULL,
        import_id BIGINT NOT NULL,
        number INTEGER NOT NULL,
        body BYTEA NOT NULL,
        CONSTRAINT pk_import_parts PRIMARY KEY (company_id, import_id, number),
        CONSTRAINT fk_import_parts_company_id_import_id FOREIGN KEY(company_id, import_id) REFERENCES customer_imports (company_id, id) ON DELETE CASCADE
    );

    CREATE TABLE import_chunks (
        company_id BIGINT NOT NULL,
        import_id BIGINT NOT NULL,
        number INTEGER NOT NULL,
        size INTEGER NOT NULL,
        codes INTEGER DEFAULT 0 NOT NULL,
        rows BYTEA NOT NULL,
        outcome BYTEA,
        checked BYTEA,
        CONSTRAINT pk_import_chunks PRIMARY KEY (company_id, import_id, number),
        CONSTRAINT fk_import_chunks_company_id_import_id FOREIGN KEY(company_id, import_id) REFERENCES customer_imports (company_id, id) ON DELETE CASCADE
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
        CONSTRAINT pk_import_errors PRIMARY KEY (company_id, id),
        CONSTRAINT fk_import_errors_company_id_import_id FOREIGN KEY(company_id, import_id) REFERENCES customer_imports (company_id, id) ON DELETE CASCADE
    );

    CREATE INDEX ix_import_errors_company_id_import_id ON import_errors (company_id, import_id, chunk);
    CREATE INDEX ix_import_errors_company_id_import_id_line ON import_errors (company_id, import_id, line, id);
"""

WORKING_STATES = "state IN ('validating', 'running', 'reverting')"
CARRIED = {"created_by": "bigint", "own_only": "boolean", "correlation_id": "text"}

PURGE = """
    -- Files that nobody went on with after three days, and all that a revert would go by once it is too late for one.
    CREATE FUNCTION purge_customer_imports(most integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE total bigint := 0; gone bigint;
    BEGIN
        DELETE FROM public.import_parts WHERE ctid = ANY (ARRAY(SELECT p.ctid FROM public.import_parts p
            JOIN public.customer_imports i ON i.company_id = p.company_id AND i.id = p.import_id
            WHERE i.updated_at < now() - interval '3 days' AND i.state NOT IN ('validating', 'running') LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        DELETE FROM public.import_chunks WHERE ctid = ANY (ARRAY(SELECT c.ctid FROM public.import_chunks c
            JOIN public.customer_imports i ON i.company_id = c.company_id AND i.id = c.import_id
            WHERE i.updated_at < now() - interval '31 days' LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        DELETE FROM public.import_errors WHERE ctid = ANY (ARRAY(SELECT e.ctid FROM public.import_errors e
            JOIN public.customer_imports i ON i.company_id = e.company_id AND i.id = e.import_id
            WHERE i.updated_at < now() - interval '31 days' LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        RETURN total;
    END $$;
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("customer_imports", service=SERVICE, grant="SELECT, INSERT, UPDATE")
    protect("import_parts", service=SERVICE)
    protect("import_chunks", service=SERVICE)
    protect("import_errors", service=SERVICE, grant="SELECT, INSERT, DELETE")
    create_waiting("customer_imports", service=SERVICE, where=WORKING_STATES, carried=CARRIED)
    op.execute(PURGE)
    op.execute("REVOKE ALL ON FUNCTION purge_customer_imports(integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION purge_customer_imports(integer) TO customers_app")


def downgrade() -> None:
    """Imports that are under way would be lost; go back by restoring a backup."""
