"""Customers that were merged: their tasks and activities move to the survivor, and back when that is undone."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, insert, select

from chassis.db.bulk import change_many
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values, of_tenant
from tasks.commands.neighbours import ALL_SERIES, KINDS, Kind, portions
from tasks.events import SERIES_UPDATED
from tasks.models import customer_moves, task_series

_SOURCE = bindparam("of_source", type_=BigInteger)
_TARGET = bindparam("of_target", type_=BigInteger)
_NOTE = Prepared(
    insert(customer_moves).values(named_values(customer_moves, ("source_id", "target_id", "task_id", "activity_id")))
)
_MOVES = (of_tenant(customer_moves), customer_moves.c.source_id == _SOURCE, customer_moves.c.target_id == _TARGET)
_NOTED = Prepared(
    select(customer_moves.c.task_id, customer_moves.c.activity_id).where(*_MOVES).order_by(customer_moves.c.id)
)
_FORGET = Prepared(delete(customer_moves).where(*_MOVES))
_SERIES = Prepared(
    select(task_series.c.id)
    .where(of_tenant(task_series), task_series.c.customer_id == _SOURCE)
    .order_by(task_series.c.id)
)


def move_to_survivor(session: Session, source_id: int, target_id: int) -> None:
    """Give all tasks and activities of a merged customer, of whatever state, to the one that it was merged into."""
    for kind in KINDS:
        for locked in portions(session, kind, "customer_id", source_id, "all"):
            changes = [(record, {"customer_id": target_id}) for record in locked]
            change_many(session, kind.records, kind.updated, changes)
            for record in locked:
                noted: dict[str, Any] = {"task_id": None, "activity_id": None, kind.column: record.id}
                session.run(_NOTE, source_id=source_id, target_id=target_id, **noted)
    for (series_id,) in session.fetch(_SERIES, of_source=source_id):
        series = ALL_SERIES.get(session, series_id, lock=True)
        ALL_SERIES.change(session, SERIES_UPDATED, series, {"customer_id": target_id})


def take_back(session: Session, source_id: int, target_id: int) -> None:
    """Give back exactly what a merge has moved and is still the survivor's."""
    for task_id, activity_id in session.fetch(_NOTED, of_source=source_id, of_target=target_id):
        kind: Kind = KINDS[0] if task_id is not None else KINDS[1]
        record = kind.records.get(session, task_id or activity_id, lock=True)
        if record.document["customer_id"] == target_id:
            kind.records.change(session, kind.updated, record, {"customer_id": source_id})
    session.run(_FORGET, of_source=source_id, of_target=target_id)
