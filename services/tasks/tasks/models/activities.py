"""Activities, and their exports."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    Uuid,
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
    tenant_table,
    timestamp,
)
from tasks import rules
from tasks.models.metadata import metadata, subjects
from tasks.models.references import CUSTOMERS, DEALS, LEADS, USERS

activities = tenant_table(
    "activities",
    metadata,
    Column("activity_type", String(50), nullable=False),
    Column("title", String(rules.LONGEST_TITLE), nullable=False),
    Column("description", Text),
    Column("outcome", Text),
    Column("duration_minutes", Integer),
    timestamp("activity_date", default=True),
    Column("follow_up_date", Date),
    # A purged follow-up does not come back.
    Column("follow_up_made", Boolean, nullable=False, server_default=text("false")),
    Column("follow_up_task_id", BigInteger),
    *subjects(),
    Column("task_id", BigInteger),
    # When that task was completed, if it was logged in one go: a timeline shows the two as one, also when somebody has
    # corrected the activity's date. Rows from before go by that.
    timestamp("logged_completion"),
    Column("user_id", BigInteger),
    # What a status_change tells: {entity, id, from, to, reason}.
    Column("change", JSONB(none_as_null=True)),
    # An event writes one row, however often it is delivered.
    Column("source_event_id", Uuid(as_uuid=False)),
    *archivable(),
    one_of("activity_type", rules.ACTIVITY_TYPES),
    CheckConstraint("duration_minutes IS NULL OR duration_minutes > 0", name="duration_minutes"),
    CheckConstraint(f"user_id IS NOT NULL OR activity_type = '{rules.STATUS_CHANGE}'", name="user_id"),
    CheckConstraint(f"(change IS NULL) = (activity_type <> '{rules.STATUS_CHANGE}')", name="change"),
    CheckConstraint("num_nonnulls(customer_id, lead_id, deal_id) > 0", name="subject"),
    CUSTOMERS.foreign_key("customer_id", ondelete="CASCADE"),
    LEADS.foreign_key("lead_id", ondelete="SET NULL"),
    DEALS.foreign_key("deal_id", ondelete="SET NULL"),
    # That a call took place stays true when the task goes.
    linked("tasks", "task_id", later_in="activities"),
    linked("tasks", "follow_up_task_id", later_in="activities"),
    # Both seeds; the reference of a user who goes stays, so it finds nothing.
    USERS.foreign_key("user_id", ondelete="CASCADE"),
    UniqueConstraint("company_id", "source_event_id"),
)

for _index in (
    *(
        ordered("activities", subject, "activity_date", where=f"{subject} IS NOT NULL")
        for subject in ("customer_id", "lead_id", "deal_id")
    ),
    ordered("activities", "user_id", "activity_date"),
    ordered("activities", "activity_type", "activity_date"),
    Index("ix_activities_company_id_activity_date", "company_id", "activity_date", "id"),
    Index("ix_activities_company_id_created_at", "company_id", "created_at", "id", postgresql_where=LIVE),
    Index("ix_activities_archived", "company_id", "activity_date", "id", postgresql_where=HIDDEN),
    # Across tenants: read by expired_activities() alone, once a day.
    Index("ix_activities_age", "activity_date", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    Index("ix_activities_company_id_updated_at", "company_id", "updated_at", "id"),
    *(given_only("activities", name) for name in ("task_id", "follow_up_task_id")),
):
    activities.append_constraint(_index)

activity_exports = exports_table(
    "activity_exports",
    metadata,
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    Index("ix_activity_exports_created_by", "company_id", "created_by"),
)
