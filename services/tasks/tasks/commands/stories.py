"""Changes of status: rows that events write, each event one, however often it is delivered."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ScalarSelect, Uuid, bindparam, exists, select

from chassis.db.bulk import create_later
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.db.writer import Later
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


# What a story needs to know is asked at once.
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


@dataclass(frozen=True, slots=True)
class Story:
    """What an event tells of a change of status, and what was asked about the records that it is about."""

    event: Event
    title: str
    change: dict[str, Any]
    asked: Later

    def write(self, session: Session) -> None:
        """Write it, once for each event."""
        [(is_told, *known)] = self.asked.rows
        if is_told:
            return
        if self.event.actor is not None:
            # Who has only just joined may be told of later.
            USERS.ensure(session, self.event.actor)
        values: dict[str, Any] = {
            "activity_type": STATUS_CHANGE,
            "title": self.title,
            "activity_date": self.event.time,
            "user_id": self.event.actor,
            "change": self.change,
            "source_event_id": self.event.id,
            # A foreign key names nothing that is not known yet.
            **{f"{kind}_id": number for kind, number in zip(SUBJECTS, known, strict=True) if number is not None},
        }
        create_later(session, RECORDS, ACTIVITY_CREATED, values)


def story_told_by(session: Session, entity: str, event: Event) -> Story | None:
    """What an event tells of a change of status; None where it tells of none, or a stage was deleted below the record.

    What has to be known for it is asked in one round trip with the next statement.
    """
    story = None if is_stage_deletion(event.operation) else story_of(entity, event.action, event.data)
    if story is None:
        return None
    title, change = story
    after = event.data["after"]
    about = {f"of_{kind}": event.record_id if kind == entity else after.get(f"{kind}_id") for kind in SUBJECTS}
    return Story(event, title, change, session.fetch_later(_ASK, of_event=event.id, **about))


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
