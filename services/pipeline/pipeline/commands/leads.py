"""Everything that changes a lead but its stage, and the event that each change records."""

from collections.abc import Mapping
from typing import Any

from chassis import events
from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Conflict, FieldError, Invalid
from pipeline.commands.customers import require_live_customer
from pipeline.commands.histories import enter_stage
from pipeline.commands.past import moment_of_creation, refuse_closing
from pipeline.commands.reasons import REASON, reason_of, replaced_reason
from pipeline.commands.setup import ensure_setup
from pipeline.events import LEAD_ARCHIVED, LEAD_CREATED, LEAD_RESTORED, LEAD_UPDATED
from pipeline.models import USERS
from pipeline.queries import stages
from pipeline.queries.cards import LEADS
from pipeline.queries.companies import get_company
from pipeline.queries.conversions import find_live_conversion
from pipeline.queries.keys import with_lead_keys
from pipeline.queries.leads import RECORDS
from pipeline.rules import probabilities
from pipeline.rules.positions import closed_position
from pipeline.rules.requirements import refuse_inactive_stage, refuse_money
from pipeline.rules.stages import Stage, first_open, group_of
from pipeline.rules.transitions import lead_arrow, refusal_of_lead

# What is not written as it is given.
_OF_NEW = ("probability", "created_at", "closed_at", *REASON)


def create_lead(session: Session, values: Mapping[str, Any]) -> Record:
    """Create a lead in the stage given, else in the first that is open; in a lost one it closes.

    Who may import says when it was created, and so what its history and its age begin with. Raises Invalid,
    UnknownReference, Conflict, Forbidden.
    """
    USERS.refuse_inactive(session, values.get("assigned_to"))
    if values.get("customer_id") is not None:
        require_live_customer(session, values["customer_id"])
    stage, position = stage_of_new(session, values.get("stage_id"))
    lead_arrow("open", stage.group)
    written = {name: value for name, value in values.items() if name not in _OF_NEW}
    written["currency"] = _currency(session, values)
    refuse_money(written["currency"], values.get("estimated_value"), "/estimated_value")
    USERS.ensure_actor(session)
    written |= {
        "stage_id": stage.id,
        "status": stage.kind,
        "position": position,
        "created_by": current().user_id,
        **probabilities.on_creation(stage, values.get("probability")),
        **_times(session, stage, values),
    }
    of_losing = {name: values[name] for name in (*REASON, "closed_at") if values.get(name) is not None}
    if stage.group == "lost":
        written["position"] = closed_position(int(written["closed_at"].timestamp() * 1e6))
        written |= reason_of(session, {name: of_losing.get(name) for name in REASON}, required=False)
    elif of_losing:
        raise _not_lost(next(iter(of_losing)))
    event_id = events.new_id()
    lead = RECORDS.create(session, LEAD_CREATED, with_lead_keys(session, written), event_id=event_id)
    enter_stage(session, LEADS, lead, stage, None, event_id=event_id)
    return lead


def _times(session: Session, stage: Stage, values: Mapping[str, Any]) -> dict[str, Any]:
    """When a new lead was created, where that is said, and when it was lost. Raises Forbidden, Invalid."""
    given, lost = values.get("created_at"), stage.group == "lost"
    if given is None and not lost:
        return {}
    now = stages.clock(session)
    created_at = moment_of_creation(LEADS, given, now)
    refuse_closing(values.get("closed_at"), created_at, now)
    times = {"created_at": created_at, "stage_entered_at": created_at}
    return times | {"closed_at": values.get("closed_at") or now} if lost else times


def stage_of_new(session: Session, stage_id: int | None) -> tuple[Stage, int]:
    """The stage that a new lead is to be in, and the position above all others. Raises Invalid, Conflict."""
    if stage_id is None:
        found = first_open(stages.list_default_stages(session, LEADS))
        if found is None:
            ensure_setup(session)
            found = first_open(stages.list_default_stages(session, LEADS))
        if found is None:
            raise Conflict("last_stage_of_kind", "There is no open stage for a new lead.")
        stage_id = found.id
    stage, position = stages.enter_stage(session, LEADS, stage_id)
    refuse_inactive_stage(stage)
    return stage, position


def _currency(session: Session, values: Mapping[str, Any]) -> str:
    given: str | None = values.get("currency")
    return get_company(session).base if given is None else given


def change_lead(session: Session, before: Record, values: Mapping[str, Any]) -> Record:
    """Change fields of a locked lead that leave it in its stage. Raises Conflict, Invalid, UnknownReference."""
    refuse_unchangeable(session, before)
    return RECORDS.change(session, LEAD_UPDATED, before, changed_fields(session, before, values))


def changed_fields(session: Session, before: Record, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be written for the fields given, but for the stage. Raises Conflict, Invalid, UnknownReference."""
    document = before.document
    written = {name: value for name, value in values.items() if name not in ("stage_id", "probability", *REASON)}
    if values.get("assigned_to") != document["assigned_to"]:
        USERS.refuse_inactive(session, values.get("assigned_to"))
    if values.get("customer_id") not in (None, document["customer_id"]):
        require_live_customer(session, values["customer_id"])
    if "currency" in values or "estimated_value" in values:
        amount = values.get("estimated_value", document["estimated_value"])
        refuse_money(values.get("currency", document["currency"]), amount, "/estimated_value")
    if "stage_id" not in values:
        written |= _probability(document, values)
        if document["status"] == "lost":
            written |= replaced_reason(session, document, values, required=False)
        elif given := [name for name in REASON if values.get(name) is not None]:
            raise _not_lost(given[0])
    return with_lead_keys(session, written)


def _probability(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    if "probability" not in values or values["probability"] == document["probability"]:
        return {}
    group = group_of(document["status"])
    if group != "open":
        raise refusal_of_lead(group)
    source = "stage" if values["probability"] is None else "manual"
    return {"probability": values["probability"], "probability_source": source}


def _not_lost(name: str) -> Invalid:
    detail = "Only what is lost has a reason for it."
    return Invalid("validation_failed", detail, (FieldError(f"/{name}", "unknown_field", detail),))


def refuse_unchangeable(session: Session, lead: Record) -> None:
    """Raise Conflict for a lead that is archived, was converted or is being converted."""
    RECORDS.refuse_archived(lead)
    if lead.document["status"] == "converted":
        raise refusal_of_lead("converted")
    refuse_converting(session, lead)


def refuse_converting(session: Session, lead: Record) -> None:
    """Raise Conflict for a lead that is being converted."""
    if group_of(lead.document["status"]) == "open":
        conversion_id = find_live_conversion(session, lead.id)
        if conversion_id is not None:
            headers = {"Location": f"/v1/conversions/{conversion_id}"}
            raise Conflict("lead_converting", f"Lead {lead.id} is being converted.", headers=headers)


def assign_lead(session: Session, lead_id: int, version: int | None, user_id: int | None) -> Record:
    """Give a lead to somebody, or to nobody. Raises NotFound, PreconditionFailed, Conflict, Invalid."""
    return give_lead(session, RECORDS.expect(session, lead_id, version), {"assigned_to": user_id})


def give_lead(session: Session, before: Record, values: Mapping[str, Any]) -> Record:
    """Give a locked lead to somebody, whatever became of it. Raises Conflict, Invalid."""
    RECORDS.refuse_archived(before)
    if values["assigned_to"] != before.document["assigned_to"]:
        USERS.refuse_inactive(session, values["assigned_to"])
    return RECORDS.change(session, LEAD_UPDATED, before, values)


def reassign_lead(session: Session, lead_id: int, user_id: int) -> Record:
    """Give a lead to an active user, on behalf of whoever decided that. Raises NotFound."""
    return RECORDS.change(session, LEAD_UPDATED, RECORDS.get(session, lead_id, lock=True), {"assigned_to": user_id})


def archive_lead(session: Session, lead_id: int, version: int) -> Record:
    """Hide a lead from lists. Raises NotFound, PreconditionFailed, Conflict."""
    before = RECORDS.expect(session, lead_id, version)
    RECORDS.refuse_archived(before)
    refuse_converting(session, before)
    return RECORDS.archive(session, LEAD_ARCHIVED, before)


def restore_lead(session: Session, lead_id: int, version: int | None) -> Record:
    """Bring an archived lead back. Raises NotFound, PreconditionFailed, Conflict, also under an archived customer."""
    customer_id = RECORDS.get(session, lead_id).document["customer_id"]
    if customer_id is not None:
        require_live_customer(session, customer_id)
    before = RECORDS.expect(session, lead_id, version)
    if before.document["customer_id"] != customer_id:
        raise Conflict("record_busy", "The lead was changed meanwhile; try again.")
    return RECORDS.restore(session, LEAD_RESTORED, before, {"archived_with_customer": False})
