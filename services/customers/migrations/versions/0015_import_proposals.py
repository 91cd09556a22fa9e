"""Imports that propose how a file is read, tell what they leave out, and count what rows of one file do to each other."""

from alembic import op

from chassis.db.migrations import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SERVICE = "customers"

CHANGES = """
    ALTER TABLE customer_imports
        ADD COLUMN profile VARCHAR(20),
        ADD COLUMN header_line INTEGER DEFAULT 1 NOT NULL,
        ADD COLUMN on_unknown VARCHAR(10) CONSTRAINT ck_customer_imports_on_unknown CHECK (on_unknown IN ('refuse', 'empty')),
        ADD COLUMN value_mapping JSONB DEFAULT '{}'::jsonb NOT NULL,
        ADD COLUMN date_format VARCHAR(20) CONSTRAINT ck_customer_imports_date_format CHECK (date_format IN ('day_first', 'month_first')),
        ADD COLUMN decimal_mark VARCHAR(1) CONSTRAINT ck_customer_imports_decimal_mark CHECK (decimal_mark IN ('.', ',')),
        ADD COLUMN duplicate_rows INTEGER DEFAULT 0 NOT NULL;
    ALTER TABLE import_errors
        ADD COLUMN severity VARCHAR(10) DEFAULT 'error' NOT NULL
            CONSTRAINT ck_import_errors_severity CHECK (severity IN ('error', 'warning'));
    CREATE TABLE import_keys (
        company_id BIGINT NOT NULL,
        import_id BIGINT NOT NULL,
        key BIGINT NOT NULL,
        entry JSONB NOT NULL,
        CONSTRAINT pk_import_keys PRIMARY KEY (company_id, import_id, key),
        CONSTRAINT fk_import_keys_company_id_import_id FOREIGN KEY(company_id, import_id) REFERENCES customer_imports (company_id, id) ON DELETE CASCADE
    );
"""

# As before, and what was kept for a validation that nobody went on with.
PURGE = """
    CREATE OR REPLACE FUNCTION purge_customer_imports(most integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE total bigint := 0; gone bigint;
    BEGIN
        DELETE FROM public.import_parts WHERE ctid = ANY (ARRAY(SELECT p.ctid FROM public.import_parts p
            JOIN public.customer_imports i ON i.company_id = p.company_id AND i.id = p.import_id
            WHERE i.updated_at < now() - interval '3 days' AND i.state NOT IN ('validating', 'running') LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        DELETE FROM public.import_keys WHERE ctid = ANY (ARRAY(SELECT k.ctid FROM public.import_keys k
            JOIN public.customer_imports i ON i.company_id = k.company_id AND i.id = k.import_id
            WHERE i.updated_at < now() - interval '3 days' AND i.state <> 'validating' LIMIT most * 10));
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
    op.execute(CHANGES)
    protect("import_keys", service=SERVICE)
    op.execute(PURGE)


def downgrade() -> None:
    """Imports that were validated since would be read otherwise than they were shown; go back by restoring a backup."""
