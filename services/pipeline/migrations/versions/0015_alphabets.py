"""Lists of leads and deals are sorted as people read, by ICU."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_leads_lead_name_alphabetical": 'leads (company_id, lead_name COLLATE "und-x-icu", id)',
    "ix_leads_source_alphabetical": 'leads (company_id, source COLLATE "und-x-icu", created_at, id)',
    "ix_deals_deal_name_alphabetical": 'deals (company_id, deal_name COLLATE "und-x-icu", id)',
}
REPLACED = (
    "ix_leads_company_id_lead_name",
    "ix_leads_source_created_at",
    "ix_deals_company_id_deal_name",
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
