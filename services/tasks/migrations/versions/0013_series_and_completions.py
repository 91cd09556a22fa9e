"""Series go along with a merge and a conversion, and back; a logged completion is known whatever its date becomes."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Each statement by itself, so that nobody waits while the rows are looked at.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE activities ADD COLUMN IF NOT EXISTS logged_completion TIMESTAMP WITH TIME ZONE")
        for table in ("task_relinks", "customer_moves"):
            op.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS series_id BIGINT")
            _replace(table, f"ck_{table}_record", "CHECK (num_nonnulls(task_id, activity_id, series_id) = 1)")
            key = "FOREIGN KEY (company_id, series_id) REFERENCES task_series (company_id, id) ON DELETE CASCADE"
            _replace(table, f"fk_{table}_company_id_series_id", key)
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_{table}_series_id")
            op.execute(
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_{table}_series_id"
                f" ON {table} (company_id, series_id) WHERE series_id IS NOT NULL"
            )


def _replace(table: str, name: str, definition: str) -> None:
    """Put a constraint in the place of the one of this name; the rows are looked at afterwards."""
    op.execute(
        "-- squawk-ignore ban-drop-constraint\n"
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name} {definition} NOT VALID"
    )
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """The version before works with these too."""
