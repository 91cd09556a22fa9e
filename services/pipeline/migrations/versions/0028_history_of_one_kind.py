"""Which stage a record is in is looked up in an index of its own kind alone.

The one of leads held all deals as well, and the one of deals all leads, each by nothing but the company: an entry more
for each move, and an index that a plan without statistics could take for the other.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KINDS = ("lead", "deal")


def upgrade() -> None:
    # Beside a service that works on. If it dies, it is run again as a whole: the old one goes when the new one is there.
    with op.get_context().autocommit_block():
        for kind in KINDS:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS uq_stage_history_open_{kind}")
            op.execute(
                f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS uq_stage_history_open_{kind}"
                f" ON stage_history (company_id, {kind}_id) WHERE left_at IS NULL AND {kind}_id IS NOT NULL"
            )
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS uq_stage_history_{kind}")


def downgrade() -> None:
    """The version before works with these too."""
