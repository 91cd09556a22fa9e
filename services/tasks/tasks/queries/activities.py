"""Everything that reads activities; always of one tenant."""

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, exists, or_

from chassis.db.kinds import DATE, INTEGER, TEXT, TIMESTAMP, choice_of
from chassis.db.listing import Listing
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import of_tenant
from tasks import rules
from tasks.events import SOURCE
from tasks.models import activities
from tasks.queries.links import SUBJECTS
from tasks.views import ACTIVITY

ACTOR = bindparam("actor", type_=BigInteger)


def _is_own(kind: str) -> ColumnElement[bool]:
    """That a subject is not set, or the actor's own by its reference."""
    reference = SUBJECTS[kind].table
    column = activities.c[f"{kind}_id"]
    owned = exists().where(
        of_tenant(reference),
        reference.c[f"{kind}_id"] == column,
        or_(reference.c.assigned_to == ACTOR, reference.c.created_by == ACTOR),
    )
    return or_(column.is_(None), owned)


# A note of a colleague on one's own customer is one's own, unless it is on the colleague's deal as well.
OWN = or_(activities.c.user_id == ACTOR, and_(*(_is_own(kind) for kind in SUBJECTS)))

ACTIVITIES = Listing(
    ACTIVITY,
    filters={
        "id": INTEGER,
        "activity_type": choice_of(*rules.ACTIVITY_TYPES),
        "title": TEXT,
        "activity_date": TIMESTAMP,
        "follow_up_date": DATE,
        "customer_id": INTEGER,
        "lead_id": INTEGER,
        "deal_id": INTEGER,
        "task_id": INTEGER,
        "user_id": INTEGER,
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
        "archived_at": TIMESTAMP,
    },
    sorts=("activity_date", "created_at", "updated_at"),
    default_sort=(("activity_date", True),),
    default={"archived_at": activities.c.archived_at.is_(None)},
    own=OWN,
)
RECORDS = Records(ACTIVITY, source=SOURCE, noun="activity", own=OWN)


def get_activity(session: Session, activity_id: int) -> Record:
    """The activity, archived or not. Raises NotFound."""
    return RECORDS.get(session, activity_id)
