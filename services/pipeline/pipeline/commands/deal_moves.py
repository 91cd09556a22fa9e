"""Deals on their way from stage to stage: every arrow of their states, with its history and its event."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from chassis import events
from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Conflict, FieldError, Invalid
from pipeline.commands import closing
from pipeline.commands.columns import Place, Wishes, find_place, place_of
from pipeline.commands.deals import OF_CLOSING, change_deal, changed_fields, note_expected, refuse_of_closing
from pipeline.commands.histories import Left, enter_stage, leave_stage, leave_stage_later
from pipeline.commands.past import refuse_closing
from pipeline.commands.reasons import REASON, replaced_reason
from pipeline.events import DEAL_LOST, DEAL_REOPENED, DEAL_REORDERED, DEAL_STAGE_CHANGED, DEAL_WON
from pipeline.models import USERS
from pipeline.queries import stages
from pipeline.queries.cards import DEALS
from pipeline.queries.deals import RECORDS
from pipeline.rules import probabilities
from pipeline.rules.positions import on_top
from pipeline.rules.requirements import refuse_inactive_stage, refuse_incomplete, refuse_unfit
from pipeline.rules.stages import Group, Stage, first_open, group_of
from pipeline.rules.stages import closing as closing_stage
from pipeline.rules.transitions import Wish, deal_arrow, refusal_of_deal, refuse_deal_wish

_EVENTS = {"stage_changed": DEAL_STAGE_CHANGED, "won": DEAL_WON, "lost": DEAL_LOST, "reopened": DEAL_REOPENED}
_TOP = Wishes()
_GROUPS: Mapping[Wish, Group] = {"win": "won", "lose": "lost", "reopen": "open"}


def update_deal(session: Session, deal_id: int, version: int | None, values: Mapping[str, Any]) -> Record:
    """Change the given fields of the state that the caller has seen; a stage among them is a move to its top.

    Raises NotFound, PreconditionFailed, Conflict, Invalid, UnknownReference.
    """
    if "stage_id" in values:
        stages.lock_columns(session, DEALS, (values["stage_id"],))
    return update_locked_deal(session, RECORDS.expect(session, deal_id, version), values)


def update_locked_deal(
    session: Session, before: Record, values: Mapping[str, Any], stage: Stage | None = None
) -> Record:
    """The same of a deal that is locked, with the column that it goes to; many that go there give its stage along."""
    if "stage_id" not in values:
        return change_deal(session, before, values)
    stage = stage or stages.lock_column(session, DEALS, values["stage_id"])
    others = {name: value for name, value in values.items() if name != "stage_id"}
    if stage.id == before.document["stage_id"]:
        return change_deal(session, before, others)
    return _enter(session, before, stage, others, wishes=_TOP)


def move_deal(session: Session, deal_id: int, version: int | None, values: Mapping[str, Any]) -> Record:
    """Move a deal into a stage, of another pipeline too, between the neighbours that are wished for.

    Where it lies there already, nothing changes. Raises NotFound, PreconditionFailed, Conflict, Invalid.
    """
    wishes = Wishes(values.get("after_id"), values.get("before_id"))
    others = {name: values[name] for name in ("probability", *OF_CLOSING) if name in values}
    # All that a move into a column asks for goes in one round trip, the column's lock first and the record's second.
    # Who sees only their own deals leaves no stage before the deal is known to be theirs: they might wait for others.
    column = stages.lock_column_later(session, DEALS, values["stage_id"])
    expected = RECORDS.expect_later(session, deal_id, version)
    left = None
    if wishes == _TOP and "closed_at" not in others and not current().own_only:
        left = leave_stage_later(session, DEALS, deal_id, into=values["stage_id"])
    before = expected()  # First: who may not see the record learns nothing of the stage.
    stage = column()
    if stage.id != before.document["stage_id"]:
        return _enter(session, before, stage, others, wishes=wishes, left=left)
    before = change_deal(session, before, others)
    if wishes == _TOP:
        return before
    # A column of what is closed goes by when that was; the neighbours are looked at all the same.
    position = find_place(session, DEALS, stage.id, place_of(session, DEALS, deal_id), wishes, inside=True)
    if position is None or stage.group != "open":
        return before
    return RECORDS.change(session, DEAL_REORDERED, before, {"position": position})


def win_deal(session: Session, deal_id: int, version: int | None, values: Mapping[str, Any]) -> Record:
    """Win a deal: in the stage given, else in the next won one. Raises as `reopen_deal`."""
    return _reach(session, deal_id, version, "win", values)


def lose_deal(session: Session, deal_id: int, version: int | None, values: Mapping[str, Any]) -> Record:
    """Lose a deal, for a reason. Raises NotFound, PreconditionFailed, Conflict, Invalid."""
    return _reach(session, deal_id, version, "lose", values)


def reopen_deal(session: Session, deal_id: int, version: int | None, stage_id: int | None) -> Record:
    """Reopen a closed deal: in the stage given, else in the last that it was open in, else in the first.

    Raises NotFound, PreconditionFailed, Conflict, Invalid.
    """
    return _reach(session, deal_id, version, "reopen", {} if stage_id is None else {"stage_id": stage_id})


def _reach(session: Session, deal_id: int, version: int | None, wish: Wish, values: Mapping[str, Any]) -> Record:
    before = RECORDS.expect(session, deal_id, version)
    RECORDS.refuse_archived(before)
    refuse_deal_wish(group_of(before.document["status"]), wish)
    group = _GROUPS[wish]
    target = values.get("stage_id") or _target(session, before, group).id
    stage, position = stages.enter_stage(session, DEALS, target)
    refuse_unfit(stage, group)
    others = {name: value for name, value in values.items() if name != "stage_id"}
    return _enter(session, before, stage, others, position=position)


def _target(session: Session, before: Record, group: Group) -> Stage:
    """Where a deal ends or goes on for which no stage was named."""
    document = before.document
    known = stages.list_stages(session, DEALS, document["pipeline_id"])
    here = next((stage for stage in known if stage.id == document["stage_id"]), None)
    if group == "open":
        last = next((stage for stage in known if stage.id == document["last_open_stage_id"]), None)
        last = last or stages.find_stage(session, DEALS, document["last_open_stage_id"])
        found = last if last is not None and last.is_active and last.group == "open" else first_open(known)
    else:
        found = closing_stage(known, group, here)
    if found is None:
        raise Conflict("last_stage_of_kind", f"The pipeline has no active stage for what is {group}.")
    return found


def _enter(
    session: Session,
    before: Record,
    stage: Stage,
    others: Mapping[str, Any],
    *,
    wishes: Wishes | None = None,
    position: int = 0,
    left: Callable[[], Left] | None = None,
) -> Record:
    """Into another stage, with what else is to change; `wishes` are of a column that is locked.

    `left` says how it has left the one before, where it has.
    """
    RECORDS.refuse_archived(before)
    document = before.document
    arrow = deal_arrow(group_of(document["status"]), stage.group)
    refuse_inactive_stage(stage)
    USERS.ensure_actor(session)
    written = changed_fields(session, before, {**others, "stage_id": stage.id})
    refuse_incomplete(stage, document | written)
    if wishes not in (None, _TOP):
        position = find_place(session, DEALS, stage.id, Place(0, before.id), wishes, inside=False) or 0
    at = _moment(session, document, others) if arrow in ("won", "lost") else None
    into = stage.id if wishes == _TOP else None
    gone = left() if left is not None else leave_stage(session, DEALS, before.id, at, into=into)
    if wishes == _TOP:
        position = on_top(gone.highest)
    written |= {
        "pipeline_id": stage.pipeline_id,
        "stage_id": stage.id,
        "stage": stage.code,
        "status": stage.kind,
        "stage_entered_at": gone.at,
    }
    currency = written.get("currency", document["currency"])
    probability = _probability(stage, others)
    match arrow, stage.group:
        case (("won" | "lost"), _):
            written |= closing.remembered(document)
            written |= closing.closed(session, stage, currency, others, at or gone.at)
        case "reopened", _:
            refuse_of_closing(others)
            written |= {"position": position, **closing.reopened(stage, document, probability)}
        case _, "open":
            refuse_of_closing(others)
            written |= {"position": position, **probabilities.on_entry(stage, probability)}
        case _, group:
            # From one stage of what is closed to another: it has closed when it did, at the rate of that day.
            if _expects_anew(document, others):
                raise refusal_of_deal(group)
            refuse_of_closing({name: value for name, value in others.items() if group != "lost" or name not in REASON})
            if group == "lost":
                written |= replaced_reason(session, document, others, required=True)
            if currency != document["currency"]:
                written |= closing.rate_of(session, currency, _day(document))
    event_id = events.new_id()
    more = {"from_stage": gone.shown, "to_stage": stage.shown}
    after = RECORDS.change(session, _EVENTS[arrow], before, written, event_id=event_id, more=more)
    enter_stage(session, DEALS, after, stage, gone, event_id=event_id)
    note_expected(session, before, after)
    return after


def _expects_anew(document: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether a closed deal is to be expected on another day than it was."""
    expected = others.get("expected_close_date", document["expected_close_date"])
    return bool((expected and str(expected)) != document["expected_close_date"])


def _moment(session: Session, document: Mapping[str, Any], others: Mapping[str, Any]) -> datetime | None:
    """The moment of the closing, where it was given. Raises Invalid."""
    given: datetime | None = others.get("closed_at")
    if given is not None:
        refuse_closing(given, datetime.fromisoformat(document["created_at"]), stages.clock(session))
    return given


def _probability(stage: Stage, others: Mapping[str, Any]) -> int | None:
    """The probability that was given. Raises Invalid for one that a closed deal cannot have."""
    given: int | None = others.get("probability")
    certain = probabilities.CERTAIN.get(stage.group)
    if given is not None and certain not in (None, given):
        detail = f"A deal that is {stage.group} has the probability {certain}."
        raise Invalid("validation_failed", detail, (FieldError("/probability", "invalid", detail),))
    return given


def _day(document: Mapping[str, Any]) -> Any:
    return datetime.fromisoformat(document["actual_close_date"]).date()
