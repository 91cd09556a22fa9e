"""Lists by tag, and sorted by what may be empty."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# In small transactions of their own, beside the writers.
BACKFILL = """
    DO $$
    DECLARE
        done bigint := 0;
        upto bigint;
    BEGIN
        LOOP
            SELECT max(id) INTO upto FROM (SELECT id FROM customers WHERE id > done ORDER BY id LIMIT 1000) portion;
            EXIT WHEN upto IS NULL;
            UPDATE customer_tags t SET created_at = c.created_at FROM customers c
            WHERE c.id > done AND c.id <= upto AND t.company_id = c.company_id AND t.customer_id = c.id
            AND t.created_at IS NULL;
            COMMIT; done := upto;
        END LOOP;
    END $$
"""

# Checked beside the writers, so that NOT NULL and the new key read nothing.
CHECK = (
    "ALTER TABLE customer_tags DROP CONSTRAINT IF EXISTS ck_customer_tags_created_at",
    "ALTER TABLE customer_tags ADD CONSTRAINT ck_customer_tags_created_at CHECK (created_at IS NOT NULL) NOT VALID",
    "ALTER TABLE customer_tags VALIDATE CONSTRAINT ck_customer_tags_created_at",
)
NEW = {
    "uq_customer_tags_in_order": "customer_tags (company_id, tag, created_at, customer_id)",
    # Not partial, as those that have nothing there are in the list as well.
    "ix_customers_company_id_company_name_created_at": "customers (company_id, company_name, created_at, id)",
    "ix_customers_company_id_industry_created_at": "customers (company_id, industry, created_at, id)",
    "ix_customers_company_id_city_created_at": "customers (company_id, city, created_at, id)",
    # Who sees no more than their own sorts all of it, unless an index has it in order: so it is in the index.
    "ix_customers_assigned_to_in_order": "customers (company_id, assigned_to, created_at, id)"
    " INCLUDE (archived_at, name, updated_at)",
    "ix_customers_created_by_in_order": "customers (company_id, created_by, created_at, id)"
    " INCLUDE (archived_at, name, updated_at, assigned_to)",
}
OLD = (
    "ix_customers_company_name",
    "ix_customers_industry",
    "ix_customers_city",
    "ix_customers_company_id_assigned_to_created_at",
    "ix_customers_company_id_created_by_created_at",
)
SWAP = """
    -- The new key holds what the old one held, as a customer has one created_at.
    -- squawk-ignore-file ban-drop-constraint, adding-not-nullable-field
    ALTER TABLE customer_tags ALTER COLUMN created_at SET NOT NULL;

    ALTER TABLE customer_tags
        DROP CONSTRAINT ck_customer_tags_created_at,
        DROP CONSTRAINT pk_customer_tags,
        ADD CONSTRAINT pk_customer_tags PRIMARY KEY USING INDEX uq_customer_tags_in_order;
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(BACKFILL)
        for statement in CHECK:
            op.execute(statement)
        for name, definition in NEW.items():
            # One that was broken off is there and is not valid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(
                f"CREATE {'UNIQUE ' * name.startswith('uq')}INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}"
            )
        for name in OLD:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.execute(SWAP)


def downgrade() -> None:
    """The version before works with these too."""
