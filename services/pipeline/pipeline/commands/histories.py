"""The stage history of a record, written as it goes from stage to stage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ScalarSelect,
    bindparam,
    column,
    func,
    insert,
    or_,
    select,
    update,
)

from chassis.context import current
from chassis.db.bulk import json_rows
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, named_values, of_tenant
from pipeline.models import close_date_history, stage_history
from pipeline.queries.cards import DEALS, Cards
from pipeline.rules.stages import Stage

_ID = bindparam("of_id", type_=BigInteger())
_AT = bindparam("at", type_=DateTime(timezone=True))
_INTO = bindparam("into", type_=BigInteger())
_UNLESS = bindparam("unless", type_=BigInteger())
_NAMES = (
    "lead_id",
    "deal_id",
    "pipeline_id",
    "from_stage_id",
    "from_name",
    "from_kind",
    "to_stage_id",
    "to_code",
    "to_name",
    "to_kind",
    "entered_at",
    "moved_by",
    "value",
    "currency",
    "probability",
    "status",
    "administrative",
    "event_id",
)
_ENTER = Prepared(insert(stage_history).values(named_values(stage_history, _NAMES)))
_DATED = Prepared(
    insert(close_date_history).values(
        named_values(close_date_history, ("deal_id", "old_date", "new_date", "changed_by"))
        | {"changed_at": func.coalesce(_AT, func.clock_timestamp())}
    )
)
_days = json_rows(
    "v",
    column("deal_id", BigInteger),
    column("old_date", Date),
    column("new_date", Date),
    column("changed_at", DateTime(timezone=True)),
)
_DATED_MANY = Prepared(
    insert(close_date_history).from_select(
        ["company_id", "deal_id", "old_date", "new_date", "changed_by", "changed_at"],
        select(
            TENANT,
            _days.c.deal_id,
            _days.c.old_date,
            _days.c.new_date,
            bindparam("changed_by", type_=BigInteger()),
            func.coalesce(_days.c.changed_at, func.clock_timestamp()),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Left:
    """The stage that a record has left, the moment, and where the highest card of the stage lies that it goes to."""

    at: datetime
    highest: int | None
    stage_id: int | None
    name: str | None
    code: str | None
    kind: str | None
    pipeline_id: int | None

    @property
    def shown(self) -> dict[str, Any]:
        """What events say of the stage."""
        return {
            "id": self.stage_id,
            "code": self.code,
            "name": self.name,
            "kind": self.kind,
            "pipeline_id": self.pipeline_id,
        }


def leave_stage(
    session: Session, cards: Cards, record_id: int, at: datetime | None = None, *, into: int | None = None
) -> Left:
    """Close the row of the stage that a locked record is in, now or at a moment since it entered it.

    The moment is the database's own clock after the lock was got: one that began to wait earlier does not come first.
    `into` is the stage that it goes to, where its place is on top of that column.
    """
    rows = session.fetch(_leave(cards), of_id=record_id, at=at, into=into, unless=None)
    return _left(session, cards, rows, at, into)


def leave_stage_later(session: Session, cards: Cards, record_id: int, *, into: int) -> Callable[[], Left]:
    """The same, now, in one round trip with the next statement, before it is known whether the record goes at all.

    One that is in the stage `into` already stays in it; call for the answer only where it was in another.
    """
    later = session.fetch_later(_leave(cards), of_id=record_id, at=None, into=into, unless=into)
    return lambda: _left(session, cards, later.rows, None, into)


def _left(session: Session, cards: Cards, rows: list[tuple[Any, ...]], at: datetime | None, into: int | None) -> Left:
    if rows:
        return Left(*rows[0])
    [(moment, highest)] = session.fetch(_begin(cards), at=at, into=into)
    return Left(moment, highest, None, None, None, None, None)


def enter_stage(
    session: Session,
    cards: Cards,
    record: Record,
    stage: Stage,
    left: Left | None,
    *,
    event_id: str,
    administrative: bool = False,
) -> None:
    """Write the row of the stage that a record is in now."""
    document = record.document
    session.run_later(
        _ENTER,
        **{"lead_id": None, "deal_id": None, cards.reference: record.id},
        pipeline_id=stage.pipeline_id,
        from_stage_id=left and left.stage_id,
        from_name=left and left.name,
        from_kind=left and left.kind,
        to_stage_id=stage.id,
        to_code=stage.code,
        to_name=stage.name,
        to_kind=stage.kind,
        entered_at=left.at if left is not None else document["stage_entered_at"],
        moved_by=current().user_id,
        value=document[cards.value],
        currency=document["currency"],
        probability=document["probability"],
        status=document["status"],
        administrative=administrative,
        event_id=event_id,
    )


def note_close_date(
    session: Session, deal_id: int, old: date | str | None, new: date | str | None, at: datetime | None = None
) -> None:
    """Note the day that an open deal is expected to close by, where that is another one than before."""
    old, new = old and str(old), new and str(new)
    if old != new:
        session.run_later(_DATED, deal_id=deal_id, old_date=old, new_date=new, changed_by=current().user_id, at=at)


def _highest(cards: Cards) -> ScalarSelect[int]:
    table = cards.table
    lying = select(table.c.position).where(of_tenant(table), table.c.stage_id == _INTO, table.c.archived_at.is_(None))
    return lying.order_by(table.c.position, table.c.id).limit(1).scalar_subquery()


@lru_cache(maxsize=4)
def _begin(cards: Cards) -> Prepared:
    """What `_leave` answers of a record that is in no stage."""
    return Prepared(select(func.coalesce(_AT, func.clock_timestamp()), _highest(cards)), writes=True)


@lru_cache(maxsize=4)
def _leave(cards: Cards) -> Prepared:
    history, stages = stage_history, cards.stages

    def now(name: str, otherwise: Column[Any]) -> Any:
        """What the stage is called now; what it was called where it is gone."""
        of_stage = select(stages.c[name]).where(of_tenant(stages), stages.c.id == history.c.to_stage_id)
        return func.coalesce(of_stage.correlate(history).scalar_subquery(), otherwise)

    left = func.greatest(func.coalesce(_AT, func.clock_timestamp()), history.c.entered_at)
    return Prepared(
        update(history)
        .where(
            of_tenant(history),
            history.c[cards.reference] == _ID,
            history.c.left_at.is_(None),
            or_(_UNLESS.is_(None), history.c.to_stage_id.is_distinct_from(_UNLESS)),
        )
        .values(left_at=left, version=history.c.version + 1, updated_at=func.now())
        .returning(
            history.c.left_at,
            _highest(cards),
            history.c.to_stage_id,
            now("name", history.c.to_name),
            now("code", history.c.to_code) if cards is DEALS else history.c.to_code,
            now(cards.kind, history.c.to_kind),
            history.c.pipeline_id,
        )
    )


def note_close_dates(
    session: Session, noted: Sequence[tuple[int, date | str | None, date | str | None, datetime | str | None]]
) -> None:
    """The same of many deals: each with the day before, the new one, and the moment, None for now."""
    rows = [
        {"deal_id": deal_id, "old_date": old and str(old), "new_date": new and str(new), "changed_at": at and str(at)}
        for deal_id, old, new, at in noted
        if (old and str(old)) != (new and str(new))
    ]
    if rows:
        session.run_later(_DATED_MANY, rows=orjson.dumps(rows).decode(), changed_by=current().user_id)
