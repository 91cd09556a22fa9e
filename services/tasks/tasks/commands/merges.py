"""Customers that were merged: their tasks, activities and series move to the survivor, and back when it is undone."""

from collections.abc import Iterable

import orjson
from sqlalchemy import BigInteger, bindparam, column, delete, insert, select

from chassis.db.bulk import change_many, json_rows, lock_many
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from tasks.commands.neighbours import KINDS, PORTION, Kind, portions
from tasks.models import customer_moves

_COLUMNS = tuple(kind.column for kind in KINDS)
_SOURCE = bindparam("of_source", type_=BigInteger)
_TARGET = bindparam("of_target", type_=BigInteger)
_new = json_rows("v", *(column(name, BigInteger) for name in _COLUMNS))
_NOTE = Prepared(
    insert(customer_moves).from_select(
        ["company_id", "source_id", "target_id", *_COLUMNS],
        select(TENANT, _SOURCE, _TARGET, *(_new.c[name] for name in _COLUMNS)),
    )
)
_MOVES = (of_tenant(customer_moves), customer_moves.c.source_id == _SOURCE, customer_moves.c.target_id == _TARGET)
_NOTED = {
    kind: Prepared(
        select(customer_moves.c[kind.column])
        .where(*_MOVES, customer_moves.c[kind.column].is_not(None))
        .order_by(customer_moves.c[kind.column])
    )
    for kind in KINDS
}
_FORGET = Prepared(delete(customer_moves).where(*_MOVES))


def move_to_survivor(session: Session, source_id: int, target_id: int) -> None:
    """Give all that is of a merged customer, of whatever state, to the one that it was merged into."""
    for kind in KINDS:
        for locked in portions(session, kind, "customer_id", source_id, "all"):
            changes = [(record, {"customer_id": target_id}) for record in locked]
            change_many(session, kind.records, kind.updated, changes)
            rows = orjson.dumps([{kind.column: record.id} for record in locked]).decode()
            session.run(_NOTE, of_source=source_id, of_target=target_id, rows=rows)


def take_back(session: Session, source_id: int, target_id: int) -> None:
    """Give back exactly what a merge has moved and is still the survivor's."""
    for kind, noted in _NOTED.items():
        moved = [row[0] for row in session.fetch(noted, of_source=source_id, of_target=target_id)]
        for begin in range(0, len(moved), PORTION):
            _give_back(session, kind, moved[begin : begin + PORTION], source_id, target_id)
    session.run(_FORGET, of_source=source_id, of_target=target_id)


def _give_back(session: Session, kind: Kind, ids: Iterable[int], source_id: int, target_id: int) -> None:
    locked = lock_many(session, kind.records, ids).values()
    theirs = [record for record in locked if record.document["customer_id"] == target_id]
    change_many(session, kind.records, kind.updated, [(record, {"customer_id": source_id}) for record in theirs])
