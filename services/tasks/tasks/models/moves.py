"""What was done to many records at once, so that it happens once and can be taken back exactly."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import given_only, part_of, tenant_table
from chassis.purges import purges_table
from chassis.reference_purges import reference_purges_table
from chassis.transfers import transfer_table
from tasks.models.metadata import metadata
from tasks.models.references import USERS


def _of_one(table: str) -> tuple[object, ...]:
    """The task, the activity or the series that a row is about, and the index by each."""
    return (
        Column("task_id", BigInteger),
        Column("activity_id", BigInteger),
        Column("series_id", BigInteger),
        CheckConstraint("num_nonnulls(task_id, activity_id, series_id) = 1", name="record"),
        part_of("tasks", "task_id"),
        part_of("activities", "activity_id"),
        part_of("task_series", "series_id"),
        *(given_only(table, name) for name in ("task_id", "activity_id", "series_id")),
    )


# What a conversion has added to tasks, activities and series of its lead; undone, exactly that is taken away.
task_relinks = tenant_table(
    "task_relinks",
    metadata,
    Column("conversion_id", BigInteger, nullable=False),
    Column("lead_id", BigInteger, nullable=False),
    Column("added", JSONB, nullable=False),
    *_of_one("task_relinks"),  # type: ignore[arg-type]  # Columns and constraints alike are items of a table.
    CheckConstraint("jsonb_typeof(added) = 'object'", name="added"),
    Index("ix_task_relinks_conversion_id", "company_id", "conversion_id"),
)

# What came from a customer that was merged into another; a merge undone takes exactly these back.
customer_moves = tenant_table(
    "customer_moves",
    metadata,
    Column("source_id", BigInteger, nullable=False),
    Column("target_id", BigInteger, nullable=False),
    *_of_one("customer_moves"),  # type: ignore[arg-type]  # As above.
    Index("ix_customer_moves_source_id", "company_id", "source_id", "target_id"),
)

# The tasks of somebody who was deactivated, on their way to others.
task_transfers = transfer_table("task_transfers", metadata, USERS)
task_transfers.append_constraint(Index("ix_task_transfers_user_id", "company_id", "user_id"))

# Customers that were purged: the worker removes what was about them.
customer_purges = reference_purges_table("customer", metadata)

user_purges = purges_table(metadata)
