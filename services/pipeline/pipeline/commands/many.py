"""Many records changed at once, with the order that they have among themselves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, select

from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from pipeline.queries.cards import Cards
from pipeline.queries.stages import lock_column, lock_columns
from pipeline.rules.stages import Stage

# The stage is that of the column that they all go into, which is locked; None where they stay.
Change = Callable[[Session, Record, Mapping[str, Any], Stage | None], Record]


def lock_targets(session: Session, cards: Cards, changes: Iterable[Mapping[str, Any]]) -> None:
    """Lock the columns that records are to go into, before any record: as whoever moves one does."""
    wanted = (values["stage_id"] for values in changes if isinstance(values.get("stage_id"), int))
    lock_columns(session, cards, (stage_id for stage_id in wanted if 0 < stage_id < 2**63))


def change_all(
    session: Session, cards: Cards, change: Change, records: Sequence[Record], values: Mapping[str, Any]
) -> int:
    """Change the given fields of locked records; answers how many had other values.

    Those that go into a stage lie on top of it afterwards, in the order in which they lay before.
    """
    stage = None
    if "stage_id" in values:
        stage = lock_column(session, cards, values["stage_id"])
        ids = [record.id for record in records]
        by_id = {record.id: record for record in records}
        records = [by_id[record_id] for (record_id,) in session.fetch(_from_below(cards), ids=ids)]
    return sum(change(session, record, values, stage).version != record.version for record in records)


@lru_cache(maxsize=4)
def _from_below(cards: Cards) -> Prepared:
    """Each comes to lie on top of the one before."""
    table = cards.table
    named = table.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    below = (table.c.position.desc(), table.c.id.desc())
    return Prepared(select(table.c.id).where(of_tenant(table), named).order_by(*below))
