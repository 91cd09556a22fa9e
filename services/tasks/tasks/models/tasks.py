"""Tasks, the series that they recur in, and their exports."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import (
    HIDDEN,
    LIVE,
    archivable,
    exports_table,
    given_only,
    linked,
    one_of,
    ordered,
    search_index,
    tenant_table,
    timestamp,
)
from tasks import rules
from tasks.models.metadata import metadata, subjects
from tasks.models.references import CUSTOMERS, DEALS, LEADS, USERS

_RANK = " ".join(f"WHEN '{priority}' THEN {rank}" for rank, priority in enumerate(rules.PRIORITIES, 1))
_OPEN = f"status IN ('{rules.OPEN_STATUSES[0]}', '{rules.OPEN_STATUSES[1]}') AND archived_at IS NULL"

# What a recurring task is made from, again and again: the rule runs on the wall clock of `time_zone` from `anchor` on.
task_series = tenant_table(
    "task_series",
    metadata,
    Column("rrule", String(255), nullable=False),
    Column("basis", String(20), nullable=False, server_default="schedule"),
    Column("missing_day", String(10), nullable=False, server_default="last"),
    Column("time_zone", String(64), nullable=False),
    # A wall time, which has no zone of its own: 2026-03-23T09:00:00.
    Column("anchor", String(30), nullable=False),
    Column("all_day", Boolean, nullable=False),
    Column("template", JSONB, nullable=False),
    *subjects(),
    Column("assigned_to", BigInteger, nullable=False),
    Column("created_by", BigInteger),
    Column("made", Integer, nullable=False, server_default=text("1")),
    timestamp("ended_at"),
    one_of("basis", rules.BASES),
    one_of("missing_day", rules.MISSING_DAYS),
    CheckConstraint("jsonb_typeof(template) = 'object'", name="template"),
    CUSTOMERS.foreign_key("customer_id", ondelete="SET NULL"),
    LEADS.foreign_key("lead_id", ondelete="SET NULL"),
    DEALS.foreign_key("deal_id", ondelete="SET NULL"),
    USERS.foreign_key("assigned_to", ondelete="NO ACTION"),
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    Index("ix_task_series_company_id_created_at", "company_id", "created_at", "id"),
    Index("ix_task_series_assigned_to", "company_id", "assigned_to", "created_at", "id"),
    *(given_only("task_series", name) for name in ("created_by", "customer_id", "lead_id", "deal_id")),
)

tasks = tenant_table(
    "tasks",
    metadata,
    Column("title", String(rules.LONGEST_TITLE), nullable=False),
    Column("description", Text),
    Column("task_type", String(50), nullable=False, server_default="general"),
    Column("priority", String(20), nullable=False, server_default="medium"),
    # For sorting by meaning, and not by the alphabet.
    Column("priority_rank", SmallInteger, Computed(f"CASE priority {_RANK} END", persisted=True), nullable=False),
    Column("status", String(50), nullable=False, server_default="pending"),
    # The instant from which it is overdue, for timed and all-day tasks alike; due_on is set for an all-day task alone.
    timestamp("due_date"),
    Column("due_on", Date),
    Column("due_time_zone", String(64)),
    timestamp("completed_at"),
    timestamp("remind_at"),
    *subjects(),
    Column("assigned_to", BigInteger, nullable=False),
    Column("created_by", BigInteger),
    Column("series_id", BigInteger),
    Column("occurrence", String(30)),
    Column("follow_up_of", BigInteger),
    *archivable(),
    # What search_tasks() looks in: title and description, folded by a trigger.
    Column("search_text", Text),
    one_of("task_type", rules.TASK_TYPES),
    one_of("priority", rules.PRIORITIES),
    one_of("status", rules.STATUSES),
    CheckConstraint("(status = 'completed') = (completed_at IS NOT NULL)", name="completed_at"),
    CheckConstraint("(due_date IS NULL) = (due_time_zone IS NULL)", name="due_time_zone"),
    CheckConstraint("due_on IS NULL OR due_date IS NOT NULL", name="due_on"),
    CUSTOMERS.foreign_key("customer_id", ondelete="CASCADE"),
    # The handler of a purge first removes those that have no customer, which a foreign key cannot say.
    LEADS.foreign_key("lead_id", ondelete="SET NULL"),
    DEALS.foreign_key("deal_id", ondelete="SET NULL"),
    # A user with open tasks goes with `transfer_to` alone.
    USERS.foreign_key("assigned_to", ondelete="NO ACTION"),
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    linked("task_series", "series_id"),
    linked("activities", "follow_up_of"),
    UniqueConstraint("company_id", "series_id", "occurrence"),
    UniqueConstraint("company_id", "follow_up_of"),
    Index(
        "ix_tasks_done", "company_id", "assigned_to", "completed_at", postgresql_where=text("completed_at IS NOT NULL")
    ),
)

# The lists' indexes: every list is of one company; the open ones of somebody are what is asked for nearly always.
for _index in (
    Index(
        "ix_tasks_open",
        "company_id",
        "assigned_to",
        "due_date",
        "id",
        postgresql_include=["due_on"],
        postgresql_where=text(_OPEN),
    ),
    Index("ix_tasks_assigned_to_status", "company_id", "assigned_to", "status", "created_at", "id"),
    Index("ix_tasks_created_by_status", "company_id", "created_by", "status", "created_at", "id"),
    ordered("tasks", "assigned_to"),
    ordered("tasks", "created_by"),
    Index("ix_tasks_company_id_due_date", "company_id", "due_date", "id"),
    ordered("tasks", "status"),
    ordered("tasks", "priority_rank"),
    # With what facets count, which read it and not the rows of a tenant, wherever these lie among others'.
    Index(
        "ix_tasks_shown",
        "company_id",
        "created_at",
        "id",
        postgresql_include=["status", "task_type", "priority", "assigned_to"],
        postgresql_where=LIVE,
    ),
    Index("ix_tasks_archived", "company_id", "created_at", "id", postgresql_where=HIDDEN),
    Index("ix_tasks_company_id_updated_at", "company_id", "updated_at", "id"),
    search_index("tasks"),
    # Across tenants: read by expired_tasks() alone, once a day.
    Index(
        "ix_tasks_expiring",
        text("coalesce(completed_at, updated_at)"),
        postgresql_where=text("status IN ('completed', 'cancelled')"),
    ),
    Index("ix_tasks_company_id_completed_at", "company_id", "completed_at", "id"),
    *(
        index
        for subject in ("customer_id", "lead_id", "deal_id")
        for index in (
            ordered("tasks", subject, where=f"{subject} IS NOT NULL"),
            # The timeline's.
            ordered("tasks", subject, "completed_at", where=f"{subject} IS NOT NULL AND completed_at IS NOT NULL"),
        )
    ),
):
    tasks.append_constraint(_index)

task_exports = exports_table(
    "task_exports",
    metadata,
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    Index("ix_task_exports_created_by", "company_id", "created_by"),
)
