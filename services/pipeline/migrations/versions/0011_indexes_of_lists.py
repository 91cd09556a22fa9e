"""The amounts that there are as whole numbers, with indexes of lists sorted by them, and of lists of what is late."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

AMOUNTS = {"leads": "estimated_value", "deals": "deal_value"}
INDEXES = {
    "ix_leads_company_id_value_rank": "leads (company_id, value_rank, id)",
    "ix_deals_company_id_value_rank": "deals (company_id, value_rank, id)",
    **{
        f"ix_{table}_open_{column}": (
            f"{table} (company_id, {column}, id) WHERE closed_at IS NULL AND archived_at IS NULL"
        )
        for table in AMOUNTS
        for column in ("expected_close_date", "stage_entered_at")
    },
    "ix_leads_kept": "leads ((closed_at AT TIME ZONE 'UTC')) WHERE closed_at IS NOT NULL",
}
REPLACED = (
    "ix_leads_company_id_estimated_value",
    "ix_deals_company_id_deal_value",
    "ix_leads_expiring",
    "ix_leads_open_stale",
)

# A thousand rows a transaction, so that nobody waits long for one.
FILL = """
    DO $$
    DECLARE company bigint := 0; record bigint := 0;
    BEGIN
        LOOP
            WITH next AS MATERIALIZED (
                SELECT t.company_id, t.id FROM public.{table} t WHERE (t.company_id, t.id) > (company, record)
                ORDER BY t.company_id, t.id LIMIT 1000
            ), filled AS (
                UPDATE public.{table} t SET value_rank = t.{amount} * 100 FROM next n
                WHERE t.company_id = n.company_id AND t.id = n.id
            )
            SELECT n.company_id, n.id INTO company, record FROM next n ORDER BY n.company_id DESC, n.id DESC LIMIT 1;
            EXIT WHEN NOT FOUND;
            COMMIT AND NO CHAIN;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    # Beside a service that works on. If it dies, it is run again as a whole.
    with op.get_context().autocommit_block():
        for table, amount in AMOUNTS.items():
            op.execute(FILL.format(table=table, amount=amount))
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}")
        for name in REPLACED:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def downgrade() -> None:
    """The version before works with these too."""
