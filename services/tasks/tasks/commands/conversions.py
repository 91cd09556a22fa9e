"""Leads that were converted: their tasks, activities and series gain the customer and the deal, until it is undone."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, insert, select

from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values, of_tenant
from tasks.commands.neighbours import KINDS, OF_ACTIVITIES, OF_TASKS, Kind, portions
from tasks.models import CUSTOMERS, DEALS, USERS, task_relinks
from tasks.rules.task_states import is_open

_COLUMNS = tuple(kind.column for kind in KINDS)
_CONVERSION = bindparam("of_conversion", type_=BigInteger)
_NOTE = Prepared(
    insert(task_relinks).values(named_values(task_relinks, ("conversion_id", "lead_id", "added", *_COLUMNS)))
)
_OF_CONVERSION = (of_tenant(task_relinks), task_relinks.c.conversion_id == _CONVERSION)
_NOTED = Prepared(
    select(task_relinks.c.added, *(task_relinks.c[name] for name in _COLUMNS))
    .where(*_OF_CONVERSION)
    .order_by(task_relinks.c.id)
)
_FORGET = Prepared(delete(task_relinks).where(*_OF_CONVERSION))


def relink(
    session: Session,
    conversion_id: int,
    lead_id: int,
    links: Mapping[str, int | None],
    owners: tuple[int | None, int | None],
) -> None:
    """Let the live records of a converted lead be of its customer and its deal as well; `owners` are the old and new.

    Tasks that are done stay as they were. A task or a series follows the lead to a new owner only if it was the old
    one's.
    """
    known = _known(session, links)
    if session.fetch(_NOTED, of_conversion=conversion_id):
        return
    for kind in KINDS:
        for locked in portions(session, kind, "lead_id", lead_id, "live"):
            for record in locked:
                _relink(session, kind, record, conversion_id, known | _follows(session, kind, record, owners))


def _known(session: Session, links: Mapping[str, int | None]) -> dict[str, int]:
    references = {"customer_id": CUSTOMERS, "deal_id": DEALS}
    found = {name: number for name, number in links.items() if number is not None}
    missing = [name for name, number in found.items() if number not in references[name].find(session, (number,))]
    if missing:
        # Its event is on the way; this one comes again.
        raise LookupError(f"a conversion names records that are not known yet: {missing}")
    return found


def _follows(session: Session, kind: Kind, record: Record, owners: tuple[int | None, int | None]) -> dict[str, int]:
    old, new = owners
    if kind is OF_ACTIVITIES or new is None or new == old or record.document["assigned_to"] != old:
        return {}
    return {"assigned_to": new} if USERS.active_among(session, (new,)) else {}


def _relink(session: Session, kind: Kind, record: Record, conversion_id: int, wanted: Mapping[str, int]) -> None:
    document = record.document
    if kind is OF_TASKS and not is_open(document["status"]):
        return
    added = {name: number for name, number in wanted.items() if name == "assigned_to" or document[name] is None}
    if not added:
        return
    before = {name: document[name] for name in added}
    kind.records.change(session, kind.updated, record, added)
    noted: dict[str, Any] = dict.fromkeys(_COLUMNS) | {kind.column: record.id}
    session.run(
        _NOTE,
        conversion_id=conversion_id,
        lead_id=document["lead_id"],
        added={"now": added, "before": before},
        **noted,
    )


def unlink(session: Session, conversion_id: int) -> None:
    """Take away exactly what a conversion has added and is still there."""
    for noted, *numbers in session.fetch(_NOTED, of_conversion=conversion_id):
        kind, number = _named_in(numbers)
        record = kind.records.get(session, number, lock=True)
        values = {name: noted["before"][name] for name, value in noted["now"].items() if record.document[name] == value}
        if values:
            kind.records.change(session, kind.updated, record, values)
    session.run(_FORGET, of_conversion=conversion_id)


def _named_in(numbers: Sequence[int | None]) -> tuple[Kind, int]:
    """The kind and the id of the one that the columns of a note name, in the order of `KINDS`."""
    [found] = [(kind, number) for kind, number in zip(KINDS, numbers, strict=True) if number is not None]
    return found
