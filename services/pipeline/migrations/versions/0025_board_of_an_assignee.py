"""The board of an assignee's deals is read from an index of its own, however many cards of others lie between."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

DEFINITION = "deals (company_id, assigned_to, stage_id, position, id) WHERE archived_at IS NULL"


def upgrade() -> None:
    # Beside a service that works on. If it dies, it is run again as a whole.
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_deals_board_of")
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_deals_board_of ON {DEFINITION}")


def downgrade() -> None:
    """The version before works with this too."""
