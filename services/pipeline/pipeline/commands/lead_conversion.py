"""A lead on its way into the stage of what was converted, and back."""

from datetime import datetime
from typing import Any

from chassis import events
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Conflict
from pipeline.commands.histories import enter_stage, leave_stage
from pipeline.events import LEAD_CONVERTED, LEAD_REOPENED
from pipeline.queries import stages
from pipeline.queries.cards import LEADS
from pipeline.queries.leads import RECORDS
from pipeline.rules import probabilities
from pipeline.rules.positions import closed_position
from pipeline.rules.stages import Stage, closing, first_open

_NOTHING = dict.fromkeys(("converted_at", "converted_customer_id", "converted_contact_id", "converted_deal_id"))


def converted_stage(session: Session) -> Stage:
    """The stage that a converted lead goes to: the first active one. Raises Conflict."""
    found = closing(stages.list_stages(session, LEADS), "converted", None)
    if found is None:
        raise Conflict("no_converted_stage", "There is no active stage for leads that were converted.")
    return found


def mark_converted(
    session: Session, before: Record, *, customer_id: int | None, contact_id: int | None, deal_id: int | None
) -> Record:
    """Move a locked open lead into the stage of what was converted, and note what it became. Raises Conflict."""
    stage, _ = stages.enter_stage(session, LEADS, converted_stage(session).id)
    left = leave_stage(session, LEADS, before.id)
    written = {
        "closed_at": left.at,
        "last_open_stage_id": before.document["stage_id"],
        "position": closed_position(int(left.at.timestamp() * 1e6)),
        "converted_at": left.at,
        "converted_customer_id": customer_id,
        "converted_contact_id": contact_id,
        "converted_deal_id": deal_id,
        **probabilities.on_entry(stage, None),
    }
    event_id = events.new_id()
    values = written | _in_stage(stage, left.at)
    more = {"from_stage": left.shown, "to_stage": stage.shown}
    after = RECORDS.change(session, LEAD_CONVERTED, before, values, event_id=event_id, more=more)
    enter_stage(session, LEADS, after, stage, left, event_id=event_id)
    return after


def unmark_converted(session: Session, before: Record) -> Record:
    """Move a locked converted lead back to the stage that it was open in, as if it had not been. Raises Conflict."""
    last = stages.last_open_stage(session, LEADS, before.id)
    fitting = last if last is not None and last.is_active and last.group == "open" else None
    fitting = fitting or first_open(stages.list_stages(session, LEADS))
    if fitting is None:
        raise Conflict("last_stage_of_kind", "There is no active open stage.")
    stage, position = stages.enter_stage(session, LEADS, fitting.id)
    left = leave_stage(session, LEADS, before.id)
    values = {
        "closed_at": None,
        "reopen_count": before.document["reopen_count"] + 1,
        "position": position,
        **_NOTHING,
        **probabilities.on_reopening(stage, None, None),
        **_in_stage(stage, left.at),
    }
    event_id = events.new_id()
    more = {"from_stage": left.shown, "to_stage": stage.shown}
    after = RECORDS.change(session, LEAD_REOPENED, before, values, event_id=event_id, more=more)
    enter_stage(session, LEADS, after, stage, left, event_id=event_id)
    return after


def _in_stage(stage: Stage, at: datetime) -> dict[str, Any]:
    return {"stage_id": stage.id, "status": stage.kind, "stage_entered_at": at}
