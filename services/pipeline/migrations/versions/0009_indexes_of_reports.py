"""Reports are read from indexes alone: with what they ask of deals, of stages that were left, and of expected days."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_REPORTED = "status, archived_at, archived_with_customer, assigned_to, created_by, customer_id, lead_id"
INDEXES = {
    "ix_deals_reported": f"deals (company_id, id) INCLUDE (pipeline_id, expected_close_date, {_REPORTED})",
    "ix_deals_begun": f"deals (company_id, pipeline_id, created_at, id) INCLUDE ({_REPORTED})",
    "ix_deals_under_way": (
        "deals (company_id, pipeline_id, stage_id) INCLUDE (currency, deal_value, probability, assigned_to, created_by,"
        " expected_close_date, customer_id, lead_id, id) WHERE status = 'open' AND archived_at IS NULL"
    ),
    "ix_stage_history_of_deal": (
        "stage_history (company_id, deal_id, entered_at, id)"
        " INCLUDE (pipeline_id, to_stage_id, to_kind, left_at, administrative) WHERE deal_id IS NOT NULL"
    ),
    "ix_stage_history_left_at": (
        "stage_history (company_id, pipeline_id, to_kind, left_at)"
        " INCLUDE (deal_id, to_stage_id, entered_at, administrative) WHERE deal_id IS NOT NULL"
    ),
    "ix_close_date_history_expected": "close_date_history (company_id, new_date) INCLUDE (deal_id, changed_at, id)",
    "ix_close_date_history_changed": "close_date_history (company_id, changed_at) INCLUDE (deal_id, old_date, new_date)",
}
# Each is a part of one of those.
REPLACED = (
    "ix_deals_pipeline_id_created_at",
    "ix_deals_open",
    "ix_stage_history_deal_id",
    "ix_stage_history_pipeline_id_left_at",
    "ix_close_date_history_new_date",
    "ix_close_date_history_changed_at",
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
