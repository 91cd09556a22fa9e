"""Lists of customers are sorted as people read, by ICU."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_customers_name_alphabetical": 'customers (company_id, name COLLATE "und-x-icu", id)',
    "ix_customers_company_name_alphabetical": 'customers (company_id, company_name COLLATE "und-x-icu", created_at, id)',
    "ix_customers_industry_alphabetical": 'customers (company_id, industry COLLATE "und-x-icu", created_at, id)',
    "ix_customers_city_alphabetical": 'customers (company_id, city COLLATE "und-x-icu", created_at, id)',
}
REPLACED = (
    "ix_customers_company_id_name",
    "ix_customers_company_id_company_name_created_at",
    "ix_customers_company_id_industry_created_at",
    "ix_customers_company_id_city_created_at",
)


def upgrade() -> None:
    # Beside a service that works on. If it dies, it is run again as a whole.
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}")
        for name in REPLACED:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def downgrade() -> None:
    """The version before works with these too."""
