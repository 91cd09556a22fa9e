"""Everything that changes a deal but its stage, and the event that each change records."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from chassis import events
from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from pipeline.commands import closing
from pipeline.commands.customers import require_live_customer
from pipeline.commands.histories import enter_stage, note_close_date
from pipeline.commands.past import moment_of_creation, refuse_closing
from pipeline.commands.reasons import REASON, replaced_reason
from pipeline.commands.setup import ensure_setup
from pipeline.events import DEAL_ARCHIVED, DEAL_CREATED, DEAL_RESTORED, DEAL_UPDATED
from pipeline.models import USERS, leads
from pipeline.queries import stages
from pipeline.queries.cards import DEALS
from pipeline.queries.companies import get_company
from pipeline.queries.deals import RECORDS
from pipeline.rules import probabilities
from pipeline.rules.requirements import refuse_inactive_stage, refuse_incomplete, refuse_money
from pipeline.rules.stages import Stage, first_open, group_of
from pipeline.rules.transitions import refusal_of_deal

# What says how a deal closes, and is written only on its way into a closed stage.
OF_CLOSING = (*REASON, "closed_at")
_APART = ("stage_id", "probability", *OF_CLOSING)
_LEAD = Prepared(
    select(leads.c.customer_id)
    .where(of_tenant(leads), leads.c.id == bindparam("of_lead", type_=BigInteger()))
    .with_for_update(read=True, key_share=True)
)


def create_deal(session: Session, values: Mapping[str, Any]) -> Record:
    """Create a deal in the stage given, else in the first open one of the default pipeline.

    In a closed stage it closes, with all that closing asks for. Who may import says when it was created, and so what
    its history and its cycle begin with. Raises Invalid, UnknownReference, Conflict, Forbidden.
    """
    USERS.refuse_inactive(session, values.get("assigned_to"))
    require_live_customer(session, values["customer_id"])
    refuse_lead(session, values.get("lead_id"), values["customer_id"])
    stage, position = stage_of_new(session, values.get("stage_id"))
    written = {name: value for name, value in values.items() if name not in _APART}
    written["currency"] = values.get("currency") or get_company(session).base
    refuse_money(written["currency"], written["deal_value"], "/deal_value")
    refuse_incomplete(stage, written)
    USERS.ensure_actor(session)
    now = stages.clock(session)
    created_at = moment_of_creation(DEALS, values.get("created_at"), now)
    written |= {
        "pipeline_id": stage.pipeline_id,
        "stage_id": stage.id,
        "stage": stage.code,
        "status": stage.kind,
        "position": position,
        "created_by": current().user_id,
        "created_at": created_at,
        "stage_entered_at": created_at,
        **probabilities.on_creation(stage, values.get("probability")),
    }
    written["probability"] = written["probability"] or 0
    if stage.group == "open":
        refuse_of_closing(values)
    else:
        refuse_closing(values.get("closed_at"), created_at, now)
        written |= closing.closed(session, stage, written["currency"], values, values.get("closed_at") or now)
    event_id = events.new_id()
    deal = RECORDS.create(session, DEAL_CREATED, written, event_id=event_id)
    enter_stage(session, DEALS, deal, stage, None, event_id=event_id)
    if stage.group == "open":
        note_close_date(session, deal.id, None, deal.document["expected_close_date"], created_at)
    return deal


def stage_of_new(session: Session, stage_id: int | None) -> tuple[Stage, int]:
    """The stage that a new deal is to be in, and the position above all others. Raises Invalid, Conflict."""
    if stage_id is None:
        found = first_open(stages.list_default_stages(session, DEALS))
        if found is None:
            ensure_setup(session)
            found = first_open(stages.list_default_stages(session, DEALS))
        if found is None:
            raise Conflict("last_stage_of_kind", "There is no open stage for a new deal.")
        stage_id = found.id
    stage, position = stages.enter_stage(session, DEALS, stage_id)
    refuse_inactive_stage(stage)
    return stage, position


def refuse_lead(session: Session, lead_id: int | None, customer_id: int) -> None:
    """Raise Invalid for a lead that there is not, or that is another customer's."""
    if lead_id is None:
        return
    session.begin()
    row = session.fetch_one(_LEAD, of_lead=lead_id)
    if row is None:
        detail = "There is no such lead in this company."
        raise Invalid("unknown_lead", detail, (FieldError("/lead_id", "unknown_reference", detail),))
    if row[0] not in (None, customer_id):
        detail = f"The lead is one of customer {row[0]}."
        raise Invalid("customer_mismatch", detail, (FieldError("/lead_id", "customer_mismatch", detail),))


def change_deal(session: Session, before: Record, values: Mapping[str, Any]) -> Record:
    """Change fields of a locked deal that leave it in its stage. Raises Conflict, Invalid, UnknownReference."""
    RECORDS.refuse_archived(before)
    written = changed_fields(session, before, values)
    after = RECORDS.change(session, DEAL_UPDATED, before, written)
    note_expected(session, before, after)
    return after


def note_expected(session: Session, before: Record, after: Record) -> None:
    """Note it where an open deal is expected to close on another day."""
    if "open" in (before.document["status"], after.document["status"]):
        old, new = (record.document["expected_close_date"] for record in (before, after))
        if old != new:
            USERS.ensure_actor(session)
        note_close_date(session, after.id, old, new)


def changed_fields(session: Session, before: Record, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be written for the fields given, but for the stage. Raises Conflict, Invalid, UnknownReference."""
    document = before.document
    written = {name: value for name, value in values.items() if name not in _APART}
    if values.get("assigned_to") != document["assigned_to"]:
        USERS.refuse_inactive(session, values.get("assigned_to"))
    customer_id = values.get("customer_id", document["customer_id"])
    if customer_id != document["customer_id"]:
        require_live_customer(session, customer_id)
    if "lead_id" in values or customer_id != document["customer_id"]:
        refuse_lead(session, values.get("lead_id", document["lead_id"]), customer_id)
    if "currency" in values or "deal_value" in values:
        currency = values.get("currency", document["currency"])
        refuse_money(currency, values.get("deal_value", document["deal_value"]), "/deal_value")
        if currency != document["currency"] and document["status"] != "open" and "stage_id" not in values:
            written |= closing.rate_of(session, currency, date.fromisoformat(document["actual_close_date"]))
    if "stage_id" not in values:
        written |= _in_its_stage(session, document, values)
    return written


def _in_its_stage(session: Session, document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What may be said of a deal that stays in its stage: what is closed is certain, and was expected on a day."""
    status = group_of(document["status"])
    asked = {name: values[name] for name in ("probability", "expected_close_date") if name in values}
    changed = {
        name for name, value in asked.items() if (value and str(value)) != (document[name] and str(document[name]))
    }
    if status != "open" and changed:
        raise refusal_of_deal(status)
    written: dict[str, Any] = {}
    if "probability" in changed or ("probability" in asked and status == "open"):
        written = {"probability": asked["probability"], "probability_source": "manual"}
    if status == "lost":
        refuse_of_closing({name: value for name, value in values.items() if name not in REASON})
        return written | replaced_reason(session, document, values, required=True)
    refuse_of_closing(values)
    return written


def refuse_of_closing(values: Mapping[str, Any]) -> None:
    """Raise Invalid for what is said of a closing where nothing closes."""
    given = [name for name in OF_CLOSING if values.get(name) is not None]
    if given:
        detail = "This is said of a deal that closes."
        raise Invalid(
            "validation_failed", detail, tuple(FieldError(f"/{name}", "unknown_field", detail) for name in given)
        )


def assign_deal(session: Session, deal_id: int, version: int | None, user_id: int | None) -> Record:
    """Give a deal to somebody, or to nobody. Raises NotFound, PreconditionFailed, Conflict, Invalid."""
    return change_deal(session, RECORDS.expect(session, deal_id, version), {"assigned_to": user_id})


def reassign_deal(session: Session, deal_id: int, user_id: int) -> Record:
    """Give a deal to an active user, on behalf of whoever decided that. Raises NotFound."""
    return RECORDS.change(session, DEAL_UPDATED, RECORDS.get(session, deal_id, lock=True), {"assigned_to": user_id})


def archive_deal(session: Session, deal_id: int, version: int) -> Record:
    """Hide a deal from lists. Raises NotFound, PreconditionFailed, Conflict."""
    return RECORDS.archive(session, DEAL_ARCHIVED, RECORDS.expect(session, deal_id, version))


def restore_deal(session: Session, deal_id: int, version: int | None) -> Record:
    """Bring an archived deal back. Raises NotFound, PreconditionFailed, Conflict, also under an archived customer."""
    customer_id = RECORDS.get(session, deal_id).document["customer_id"]
    require_live_customer(session, customer_id)
    before = RECORDS.expect(session, deal_id, version)
    if before.document["customer_id"] != customer_id:
        raise Conflict("record_busy", "The deal was changed meanwhile; try again.")
    return RECORDS.restore(session, DEAL_RESTORED, before, {"archived_with_customer": False})
