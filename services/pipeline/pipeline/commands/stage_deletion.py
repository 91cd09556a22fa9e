"""Deleting a stage, and moving what is in it to another one: at once, or by the worker where there is much."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, select, update

from chassis import events
from chassis.context import acting_as, current
from chassis.db.bulk import lock_many
from chassis.db.locks import lock_name
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from chassis.events import EventType
from pipeline.commands.histories import enter_stage, leave_stage
from pipeline.commands.stages import refuse_last, refuse_used
from pipeline.events import (
    DEAL_STAGE_CHANGED,
    DEAL_STAGE_DELETED,
    DEAL_STAGE_UPDATED,
    DEAL_UPDATED,
    LEAD_STAGE_CHANGED,
    LEAD_STAGE_DELETED,
    LEAD_STAGE_UPDATED,
    LEAD_UPDATED,
)
from pipeline.queries import stages as queries
from pipeline.queries.cards import DEALS, LEADS, Cards
from pipeline.queries.stages import DEAL_STAGES, LEAD_STAGES
from pipeline.rules.positions import STEP
from pipeline.rules.stages import DEALS_NEED, LEADS_NEED, Stage

AT_ONCE = 500
_RECORDS: Mapping[Cards, Records] = {LEADS: LEAD_STAGES, DEALS: DEAL_STAGES}
_NEED = {LEADS: LEADS_NEED, DEALS: DEALS_NEED}
_UPDATED: Mapping[Cards, EventType] = {LEADS: LEAD_STAGE_UPDATED, DEALS: DEAL_STAGE_UPDATED}
_DELETED: Mapping[Cards, EventType] = {LEADS: LEAD_STAGE_DELETED, DEALS: DEAL_STAGE_DELETED}
_MOVED: Mapping[Cards, EventType] = {LEADS: LEAD_STAGE_CHANGED, DEALS: DEAL_STAGE_CHANGED}
_CHANGED: Mapping[Cards, EventType] = {LEADS: LEAD_UPDATED, DEALS: DEAL_UPDATED}

_STAGE = bindparam("of_stage", type_=BigInteger())
_MOST = bindparam("most", type_=Integer())
# From the bottom of the column up: each step lies above the one before, and the order stays what it was.
_IN_STAGE: Mapping[Cards, Prepared] = {
    cards: Prepared(
        select(cards.table.c.id, cards.table.c.position)
        .where(of_tenant(cards.table), cards.table.c.stage_id == _STAGE)
        .order_by(cards.table.c.position.desc(), cards.table.c.id.desc())
        .limit(_MOST)
    )
    for cards in (LEADS, DEALS)
}
_MENTIONING: Mapping[Cards, Prepared] = {
    cards: Prepared(
        select(cards.table.c.id)
        .where(of_tenant(cards.table), cards.table.c.last_open_stage_id == _STAGE)
        .order_by(cards.table.c.id)
        .limit(_MOST)
    )
    for cards in (LEADS, DEALS)
}
_SET_MOVING: Mapping[Cards, Prepared] = {
    cards: Prepared(
        update(cards.stages)
        .where(of_tenant(cards.stages), cards.stages.c.id == _STAGE)
        .values(moving_to=bindparam("target", type_=BigInteger()))
    )
    for cards in (LEADS, DEALS)
}


def delete_lead_stage(session: Session, stage_id: int, version: int, move_to: int | None) -> int:
    """Delete a stage of leads, and answer how many records the worker has to move before; 0 where it is gone.

    Raises NotFound, PreconditionFailed, Conflict for the last of its kind or one in use, Invalid for a target unfit.
    """
    lock_name(session, "pipeline:stages")
    return _delete(session, LEADS, LEAD_STAGES.expect(session, stage_id, version), move_to)


def delete_deal_stage(session: Session, stage_id: int, version: int, move_to: int | None) -> int:
    """The same of a stage of deals."""
    lock_name(session, "pipeline:stages")
    return _delete(session, DEALS, DEAL_STAGES.expect(session, stage_id, version), move_to)


def _delete(session: Session, cards: Cards, before: Record, move_to: int | None) -> int:
    records, stage_id = _RECORDS[cards], before.id
    if queries.is_moving(session, cards, stage_id):
        raise Conflict("stage_in_use", "The stage is being deleted: its records are on their way to another.")
    refuse_last(session, cards, before, _NEED[cards])
    if move_to is None:
        refuse_used(session, cards, stage_id)
        target = None
    else:
        target = _target(session, cards, before, move_to)
    if target is not None and _size(session, cards, stage_id) > AT_ONCE:
        if before.document["is_active"]:
            records.change(session, _UPDATED[cards], before, {"is_active": False})
        session.run(_SET_MOVING[cards], of_stage=stage_id, target=target.id)
        return sum(queries.count_in_stage(session, cards, stage_id).values())
    while _step(session, cards, stage_id, target):
        pass
    records.delete(session, _DELETED[cards], records.get(session, stage_id, lock=True))
    return 0


def move_on(session: Session, cards: Cards, stage_id: int) -> bool:
    """Move the next records out of a stage that is being deleted, and delete it when empty; whether there is more."""
    records = _RECORDS[cards]
    target_id = queries.lock_moving(session, cards, stage_id)
    if target_id is None:
        return False
    target = queries.find_stage(session, cards, target_id)
    if _step(session, cards, stage_id, target):
        return True
    records.delete(session, _DELETED[cards], records.get(session, stage_id, lock=True))
    return False


def _size(session: Session, cards: Cards, stage_id: int) -> int:
    return len(session.fetch(_IN_STAGE[cards], of_stage=stage_id, most=AT_ONCE + 1)) + len(
        session.fetch(_MENTIONING[cards], of_stage=stage_id, most=AT_ONCE + 1)
    )


def _target(session: Session, cards: Cards, stage: Record, move_to: int) -> Stage:
    target = queries.find_stage(session, cards, move_to)
    here = queries.find_stage(session, cards, stage.id)
    fits = (
        target is not None
        and here is not None
        and target.id != here.id
        and target.is_active
        and target.pipeline_id == here.pipeline_id
        and target.group == here.group
    )
    if target is None or not fits:
        detail = "The records can go to another active stage of the same kind alone."
        raise Invalid("stage_unfit", detail, (FieldError("move_to", "stage_unfit", detail),))
    return target


def _step(session: Session, cards: Cards, stage_id: int, target: Stage | None) -> bool:
    """Move up to 500 records; whether there were any."""
    with acting_as(replace(current(), operation=f"{cards.stages.name}/{stage_id}")):
        rows = [] if target is None else session.fetch(_IN_STAGE[cards], of_stage=stage_id, most=AT_ONCE)
        if rows and target is not None:
            queries.lock_columns(session, cards, (target.id,))
            top = queries.top_of(session, cards, target.id)
            places = {record_id: top - STEP * step for step, (record_id, _) in enumerate(rows)}
            for record in lock_many(session, cards.records, places).values():
                if record.document["stage_id"] == stage_id:
                    _move(session, cards, record, target, places[record.id])
            return True
        mentioning = [row[0] for row in session.fetch(_MENTIONING[cards], of_stage=stage_id, most=AT_ONCE)]
        for record in lock_many(session, cards.records, mentioning).values():
            # What would become of it when the stage goes, said with an event.
            last = None if target is None else target.id
            cards.records.change(session, _CHANGED[cards], record, {"last_open_stage_id": last})
        return bool(mentioning)


def _move(session: Session, cards: Cards, record: Record, target: Stage, position: int) -> None:
    """Nothing has happened to the record: it keeps its probability, its order, and when it entered and closed."""
    values: dict[str, Any] = {"stage_id": target.id, "status": target.kind}
    if cards is DEALS:
        values["stage"] = target.code
    if target.group == "open":
        values["position"] = position
    left = leave_stage(session, cards, record.id)
    event_id = events.new_id()
    more = {"from_stage": left.shown, "to_stage": target.shown}
    after = cards.records.change(session, _MOVED[cards], record, values, event_id=event_id, more=more)
    enter_stage(session, cards, after, target, left, event_id=event_id, administrative=True)
