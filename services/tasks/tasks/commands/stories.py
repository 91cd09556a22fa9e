"""Changes of status: rows that events write, each event one, however often it is delivered."""

from typing import Any

from sqlalchemy import Uuid, bindparam, exists, select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.events import Event
from tasks.commands.notices import notify
from tasks.events import ACTIVITY_CREATED
from tasks.models import CUSTOMERS, DEALS, LEADS, USERS, activities
from tasks.queries.activities import RECORDS
from tasks.rules import STATUS_CHANGE
from tasks.rules.stories import is_stage_deletion, story_of

_TOLD = Prepared(
    select(
        exists().where(
            of_tenant(activities),
            activities.c.source_event_id == bindparam("of_event", type_=Uuid(as_uuid=False)),
        )
    )
)
_NAMES = {"customer": "name", "lead": "lead_name", "deal": "deal_name"}


def write_story(session: Session, entity: str, event: Event) -> None:
    """Write what an event tells of a change of status; nothing where a stage was deleted below the record."""
    story = None if is_stage_deletion(event.operation) else story_of(entity, event.action, event.data)
    if story is None:
        return
    told = session.fetch_one(_TOLD, of_event=event.id)
    if told is not None and told[0]:
        return
    title, change = story
    after = event.data["after"]
    links = _links(session, entity, after)
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
        **links,
    }
    RECORDS.create(session, ACTIVITY_CREATED, values)


def _links(session: Session, entity: str, record: dict[str, Any]) -> dict[str, int]:
    """What a record is about, as far as it is known here: a foreign key names nothing else."""
    wanted = {"customer": CUSTOMERS, "lead": LEADS, "deal": DEALS}
    numbers = {kind: record["id"] if kind == entity else record.get(f"{kind}_id") for kind in wanted}
    return {
        f"{kind}_id": number
        for kind, number in numbers.items()
        if number is not None and wanted[kind].find(session, (number,))
    }


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
