"""Changes of status: rows that events write, each event one, however often it is delivered."""

from typing import Any

from sqlalchemy import BigInteger, ScalarSelect, Uuid, bindparam, exists, select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.events import Event
from chassis.references import Reference
from tasks.commands.notices import notify
from tasks.events import ACTIVITY_CREATED
from tasks.models import USERS, activities
from tasks.queries.activities import RECORDS
from tasks.queries.links import SUBJECTS
from tasks.rules import STATUS_CHANGE
from tasks.rules.stories import is_stage_deletion, story_of


def _known(kind: str, reference: Reference) -> ScalarSelect[int]:
    """The id of a record if it is known here, under the lock of `Reference.find`."""
    known = select(reference.table.c[reference.key]).where(
        of_tenant(reference.table), reference.table.c[reference.key] == bindparam(f"of_{kind}", type_=BigInteger)
    )
    return known.with_for_update(read=True).scalar_subquery()


# Deals are moved all day: what a story needs to know is asked at once.
_ASK = Prepared(
    select(
        exists().where(
            of_tenant(activities),
            activities.c.source_event_id == bindparam("of_event", type_=Uuid(as_uuid=False)),
        ),
        *(_known(kind, reference) for kind, reference in SUBJECTS.items()),
    )
)
_NAMES = {"customer": "name", "lead": "lead_name", "deal": "deal_name"}


def write_story(session: Session, entity: str, event: Event) -> None:
    """Write what an event tells of a change of status; nothing where a stage was deleted below the record."""
    story = None if is_stage_deletion(event.operation) else story_of(entity, event.action, event.data)
    if story is None:
        return
    after = event.data["after"]
    about = {f"of_{kind}": event.record_id if kind == entity else after.get(f"{kind}_id") for kind in SUBJECTS}
    [(is_told, *known)] = session.fetch(_ASK, of_event=event.id, **about)
    if is_told:
        return
    title, change = story
    if event.actor is not None:
        # Who has only just joined may be told of later.
        USERS.ensure(session, event.actor)
    values: dict[str, Any] = {
        "activity_type": STATUS_CHANGE,
        "title": title,
        "activity_date": event.time,
        "user_id": event.actor,
        "change": change,
        "source_event_id": event.id,
        # A foreign key names nothing that is not known yet.
        **{f"{kind}_id": number for kind, number in zip(SUBJECTS, known, strict=True) if number is not None},
    }
    RECORDS.create(session, ACTIVITY_CREATED, values)


def tell_new_owner(session: Session, entity: str, event: Event) -> None:
    """Tell whoever a customer, a lead or a deal was given to, unless they took it or many are given at once."""
    after = event.data["after"]
    if event.operation is not None or after is None or "assigned_to" not in event.data["changed"]:
        return
    owner = after["assigned_to"]
    if owner is None or owner == event.actor or not USERS.active_among(session, (owner,)):
        return
    table = event.table
    notify(session, owner, f"{entity}_assigned", (table, event.record_id), after[_NAMES[entity]], event_id=event.id)
