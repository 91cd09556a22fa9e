"""What was open on each day, kept as it was that morning."""

from sqlalchemy import BigInteger, Column, Date, ForeignKeyConstraint, Index, Integer, Numeric, String, Table

from chassis.db.tables import timestamp
from pipeline.models.metadata import metadata

# One row for each day that a snapshot was taken on: it tells a day without deals from a day that was missed.
snapshot_days = Table(
    "snapshot_days",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    timestamp("taken_at", default=True),
    info={"tenant": "company_id"},
)

# No key names a stage, a pipeline or a user: what was open then does not change when they go.
pipeline_snapshots = Table(
    "pipeline_snapshots",
    metadata,
    Column("company_id", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("pipeline_id", BigInteger, nullable=False),
    Column("stage_id", BigInteger, nullable=False),
    Column("stage_name", String(100), nullable=False),
    Column("order_index", Integer, nullable=False),
    Column("assigned_to", BigInteger),
    Column("created_by", BigInteger),
    Column("currency", String(10), nullable=False),
    # The first day of the month that the deals were expected in.
    Column("expected_month", Date),
    Column("deals", Integer, nullable=False),
    Column("value", Numeric(30, 2), nullable=False),
    # Of each deal its value times its probability in per cent.
    Column("weighted", Numeric(32, 2), nullable=False),
    ForeignKeyConstraint(["company_id", "day"], ["snapshot_days.company_id", "snapshot_days.day"], ondelete="CASCADE"),
    Index(
        "uq_pipeline_snapshots",
        "company_id",
        "day",
        "pipeline_id",
        "stage_id",
        "assigned_to",
        "created_by",
        "currency",
        "expected_month",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    info={"tenant": "company_id"},
)
