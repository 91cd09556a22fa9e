"""Leads on their way from stage to stage: every arrow of their states, with its history and its event."""

from collections.abc import Mapping
from typing import Any

from chassis import events
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Conflict, FieldError, Invalid
from pipeline.commands.columns import Place, Wishes, find_place, place_of
from pipeline.commands.histories import enter_stage, leave_stage
from pipeline.commands.leads import change_lead, changed_fields, refuse_unchangeable
from pipeline.commands.reasons import NO_REASON, REASON, reason_of
from pipeline.events import LEAD_LOST, LEAD_REOPENED, LEAD_REORDERED, LEAD_STAGE_CHANGED
from pipeline.queries import stages
from pipeline.queries.cards import LEADS
from pipeline.queries.leads import RECORDS
from pipeline.rules import probabilities
from pipeline.rules.positions import closed_position, on_top
from pipeline.rules.requirements import refuse_inactive_stage, refuse_unfit
from pipeline.rules.stages import Stage, closing, first_open, group_of
from pipeline.rules.transitions import lead_arrow, refuse_lead_wish

_EVENTS = {"stage_changed": LEAD_STAGE_CHANGED, "lost": LEAD_LOST, "reopened": LEAD_REOPENED}
_TOP = Wishes()


def update_lead(session: Session, lead_id: int, version: int | None, values: Mapping[str, Any]) -> Record:
    """Change the given fields of the state that the caller has seen; a stage among them is a move to its top.

    Raises NotFound, PreconditionFailed, Conflict, Invalid, UnknownReference.
    """
    if "stage_id" in values:
        stages.lock_columns(session, LEADS, (values["stage_id"],))
    return update_locked_lead(session, RECORDS.expect(session, lead_id, version), values)


def update_locked_lead(
    session: Session, before: Record, values: Mapping[str, Any], stage: Stage | None = None
) -> Record:
    """The same of a lead that is locked, with the column that it goes to; many that go there give its stage along."""
    if "stage_id" not in values:
        return change_lead(session, before, values)
    stage = stage or stages.lock_column(session, LEADS, values["stage_id"])
    others = {name: value for name, value in values.items() if name != "stage_id"}
    if stage.id == before.document["stage_id"]:
        return change_lead(session, before, others)
    return _enter(session, before, stage, others, wishes=_TOP)


def move_lead(session: Session, lead_id: int, version: int | None, values: Mapping[str, Any]) -> Record:
    """Move a lead into a stage, between the neighbours that are wished for.

    Where it lies there already, nothing changes. Raises NotFound, PreconditionFailed, Conflict, Invalid.
    """
    wishes = Wishes(values.get("after_id"), values.get("before_id"))
    column = stages.lock_column_later(session, LEADS, values["stage_id"])
    before = RECORDS.expect(session, lead_id, version)  # First: who may not see the record learns nothing of its stage.
    stage = column()
    others = {name: values[name] for name in ("probability", *REASON) if name in values}
    if stage.id != before.document["stage_id"]:
        return _enter(session, before, stage, others, wishes=wishes)
    if others:
        before = change_lead(session, before, others)
    else:
        refuse_unchangeable(session, before)
    if wishes == _TOP:
        return before
    if stage.group != "open":
        lead_arrow(group_of(before.document["status"]), stage.group)
    position = find_place(session, LEADS, stage.id, place_of(session, LEADS, lead_id), wishes, inside=True)
    return before if position is None else RECORDS.change(session, LEAD_REORDERED, before, {"position": position})


def lose_lead(session: Session, lead_id: int, version: int | None, values: Mapping[str, Any]) -> Record:
    """Lose a lead: into the next lost stage. Raises NotFound, PreconditionFailed, Conflict, Invalid."""
    before = RECORDS.expect(session, lead_id, version)
    refuse_unchangeable(session, before)
    refuse_lead_wish(group_of(before.document["status"]), "lose")
    known = stages.list_stages(session, LEADS)
    here = next((stage for stage in known if stage.id == before.document["stage_id"]), None)
    target = closing(known, "lost", here)
    if target is None:
        raise Conflict("last_stage_of_kind", "There is no active stage for what is lost.")
    stage, _ = stages.enter_stage(session, LEADS, target.id)
    return _enter(session, before, stage, values)


def reopen_lead(session: Session, lead_id: int, version: int | None, stage_id: int | None) -> Record:
    """Reopen a lost lead: in the stage given, else in the last that it was open in, else in the first.

    Raises NotFound, PreconditionFailed, Conflict, Invalid.
    """
    before = RECORDS.expect(session, lead_id, version)
    refuse_unchangeable(session, before)
    refuse_lead_wish(group_of(before.document["status"]), "reopen")
    if stage_id is None:
        last = stages.last_open_stage(session, LEADS, lead_id)
        fitting = last if last is not None and last.is_active and last.group == "open" else None
        fitting = fitting or first_open(stages.list_stages(session, LEADS))
        if fitting is None:
            raise Conflict("last_stage_of_kind", "There is no active open stage.")
        stage_id = fitting.id
    stage, position = stages.enter_stage(session, LEADS, stage_id)
    refuse_unfit(stage, "open")
    return _enter(session, before, stage, {}, position=position)


def _enter(
    session: Session,
    before: Record,
    stage: Stage,
    others: Mapping[str, Any],
    *,
    wishes: Wishes | None = None,
    position: int = 0,
) -> Record:
    """Into another stage, with what else is to change; `wishes` are of a column that is locked."""
    refuse_unchangeable(session, before)
    document = before.document
    arrow = lead_arrow(group_of(document["status"]), stage.group)
    refuse_inactive_stage(stage)
    plain = {name: value for name, value in others.items() if name not in ("probability", *REASON)}
    written = changed_fields(session, before, {**plain, "stage_id": stage.id})
    if wishes not in (None, _TOP):
        position = find_place(session, LEADS, stage.id, Place(0, before.id), wishes, inside=False) or 0
    left = leave_stage(session, LEADS, before.id, into=stage.id if wishes == _TOP else None)
    if wishes == _TOP:
        position = on_top(left.highest)
    written |= {"stage_id": stage.id, "status": stage.kind, "stage_entered_at": left.at, "position": position}
    given = others.get("probability")
    match arrow:
        case "lost":
            written |= {
                "closed_at": left.at,
                "last_open_stage_id": document["stage_id"],
                "position": closed_position(int(left.at.timestamp() * 1e6)),
                **probabilities.on_entry(stage, given),
                **reason_of(session, others, required=False),
            }
        case "reopened":
            written |= {
                "closed_at": None,
                "reopen_count": document["reopen_count"] + 1,
                **NO_REASON,
                **probabilities.on_reopening(stage, given, None),
            }
        case _:
            written |= probabilities.on_entry(stage, given)
    if arrow != "lost" and (strange := [name for name in REASON if others.get(name) is not None]):
        detail = "Only what is lost has a reason for it."
        raise Invalid("validation_failed", detail, (FieldError(f"/{strange[0]}", "unknown_field", detail),))
    event_id = events.new_id()
    more = {"from_stage": left.shown, "to_stage": stage.shown}
    after = RECORDS.change(session, _EVENTS[arrow], before, written, event_id=event_id, more=more)
    enter_stage(session, LEADS, after, stage, left, event_id=event_id)
    return after
