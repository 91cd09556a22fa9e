"""The conversion of a lead: begun here, carried on in customers, finished here, taken back.

What is locked is locked in one order: the customer's reference, the lead, its deal, the conversion.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from chassis.context import current
from chassis.db.records import NOW, Record
from chassis.db.refusals import expected
from chassis.db.session import Session
from chassis.errors import AppError, Conflict, NotFound
from pipeline.commands.conversion_plans import (
    AskDuplicates,
    Plan,
    refuse_duplicates,
    refuse_unconvertible,
    refuse_unusable,
    sees_own_customers_only,
)
from pipeline.commands.deals import change_deal, create_deal
from pipeline.commands.lead_conversion import mark_converted, unmark_converted
from pipeline.events import (
    CONVERSION_CANCELLED,
    CONVERSION_COMPLETED,
    CONVERSION_FAILED,
    CONVERSION_STARTED,
    CONVERSION_UNDONE,
    DEAL_ARCHIVED,
)
from pipeline.models import CUSTOMERS, USERS
from pipeline.queries.conversions import RECORDS, is_customer_in_use, note_kept, what_was_made
from pipeline.queries.deals import RECORDS as DEALS
from pipeline.queries.leads import RECORDS as LEADS
from pipeline.rules.conversions import is_over

_CONVERTING = "converting"


def convert(session: Session, plan: Plan, version: int | None, ask: AskDuplicates) -> Record:
    """Begin the conversion that was planned; where customers has nothing to do, it is finished with that.

    Raises NotFound, PreconditionFailed, Conflict.
    """
    refuse_duplicates(plan, ask)
    if plan.customer_id is not None:
        CUSTOMERS.require(session, plan.customer_id, pointer="/customer/use")
    lead = LEADS.expect(session, plan.lead.id, version)
    refuse_unconvertible(session, lead)
    if lead.version != plan.lead.version:
        raise Conflict("record_busy", "The lead was changed meanwhile; try again.", headers={"Retry-After": "1"})
    USERS.ensure_actor(session)
    context = current()
    values: dict[str, Any] = {
        "lead_id": lead.id,
        "lead_version": lead.version,
        "wishes": plan.wishes,
        "assigned_to": plan.assigned_to,
        "customer_id": plan.customer_id,
        "own_only": sees_own_customers_only(),
        "correlation_id": context.request_id[:64],
        "created_by": context.user_id,
    }
    if plan.writes_customers:
        return RECORDS.create(session, CONVERSION_STARTED, values, more={"own_only": values["own_only"]})
    values |= _finish(session, lead, plan.wishes, customer_id=plan.customer_id, contact_id=None)
    return RECORDS.create(session, CONVERSION_COMPLETED, values)


def complete(session: Session, conversion_id: int, told: Mapping[str, Any]) -> None:
    """Finish a conversion with what customers has done for it (the data of its event).

    What cannot be done any more, because the deal to use is closed or no stage is open, is taken back there.
    """
    CUSTOMERS.save(session, told["customer"])
    result = told["after"]
    customer_id, contact_id = result["customer_id"], result["contact_id"]
    conversion = _expect_converting(session, conversion_id)
    if conversion is None:
        return
    try:
        with session.savepoint():
            CUSTOMERS.require(session, customer_id, pointer="/customer/use")
            lead = LEADS.get(session, conversion.document["lead_id"], lock=True)
            conversion = _expect_converting(session, conversion_id, lock=True)
            if conversion is None:
                return
            wishes = conversion.document["wishes"]
            made = _finish(session, lead, wishes, customer_id=customer_id, contact_id=contact_id)
            RECORDS.change(
                session,
                CONVERSION_COMPLETED,
                conversion,
                {**made, "customer_id": customer_id, "contact_id": contact_id},
            )
    except (AppError, psycopg.Error) as error:
        refusal = expected(error, {})
        conversion = _expect_converting(session, conversion_id, lock=True)
        if conversion is None:
            return
        lead_id = conversion.document["lead_id"]
        in_use = is_customer_in_use(session, customer_id, lead_id=lead_id, deal_id=None)
        # It stays under way until customers has answered what became of its part.
        values = {"error_code": refusal.code, "error_detail": refusal.detail}
        RECORDS.change(session, CONVERSION_CANCELLED, conversion, values, more={"customer_in_use": in_use})


def fail(session: Session, conversion_id: int, told: Mapping[str, Any]) -> None:
    """End a conversion that customers has refused; the lead is as it was."""
    conversion = _expect_converting(session, conversion_id, lock=True)
    if conversion is not None:
        result = told["after"]
        # No more than the ids: whoever sees the lead need not see these customers.
        known = [{**one, "customer": {"id": one["customer"]["id"]}} for one in told["candidates"]]
        values = {
            "state": "failed",
            "error_code": result["error_code"],
            "error_detail": result["error_detail"],
            "candidates": known or None,
            "finished_at": NOW,
        }
        RECORDS.change(session, CONVERSION_FAILED, conversion, values)


def note_undone(session: Session, conversion_id: int, told: Mapping[str, Any]) -> None:
    """Note what customers has kept of a conversion that was taken back; one that was given up ends with that."""
    kept: Sequence[str] = told["after"]["kept"]
    conversion = _find(session, conversion_id)
    if conversion is None:
        return
    if conversion.document["state"] != _CONVERTING:
        note_kept(session, conversion_id, list(kept))
    elif conversion.document["error_code"] is not None:
        values = {"state": "failed", "kept": list(kept), "finished_at": NOW}
        RECORDS.change(session, CONVERSION_FAILED, conversion, values)


def cancel(session: Session, conversion_id: int, version: int | None) -> Record:
    """Give up a conversion that is under way; what customers does for it, or has done, is taken back there.

    Raises NotFound, PreconditionFailed, Conflict.
    """
    conversion = RECORDS.expect(session, conversion_id, version)
    if conversion.document["state"] != _CONVERTING:
        raise _over(conversion)
    values = {"state": "cancelled", "finished_at": NOW}
    return RECORDS.change(session, CONVERSION_CANCELLED, conversion, values, more={"customer_in_use": False})


def undo(session: Session, conversion_id: int, version: int | None) -> Record:
    """Take a conversion back: its deal is archived, the lead open again, and customers takes back its part.

    Raises NotFound, PreconditionFailed, Conflict: when it is over, when it is too late, when somebody has worked on
    with the deal or archived the lead.
    """
    known = RECORDS.get(session, conversion_id).document
    lead = LEADS.get(session, known["lead_id"], lock=True)
    deal = _find_deal(session, known["deal_id"]) if known["deal_created"] else None
    conversion = RECORDS.expect(session, conversion_id, version)
    known = conversion.document
    deal_version, now = what_was_made(session, conversion_id)
    if known["state"] != "completed" or is_over(known["finished_at"], now):
        raise _over(conversion)
    if lead.document["archived_at"] is not None or lead.document["status"] != "converted":
        raise _changed("The lead was archived.")
    if known["deal_created"]:
        if deal is None or deal.version != deal_version:
            raise _changed("Somebody has worked on with the deal.")
        DEALS.archive(session, DEAL_ARCHIVED, deal)
    unmark_converted(session, lead)
    customer_id = known["customer_id"]
    in_use = customer_id is not None and is_customer_in_use(
        session, customer_id, lead_id=lead.id, deal_id=known["deal_id"] if known["deal_created"] else None
    )
    values = {"state": "undone", "undone_at": NOW}
    return RECORDS.change(session, CONVERSION_UNDONE, conversion, values, more={"customer_in_use": in_use})


def _finish(
    session: Session, lead: Record, wishes: Mapping[str, Any], *, customer_id: int | None, contact_id: int | None
) -> dict[str, Any]:
    """Write the deal and mark the locked lead as converted; answers what the conversion is to say of it."""
    deal = _write_deal(session, lead.id, wishes["deal"], customer_id)
    deal_id = None if deal is None else deal.id
    after = mark_converted(session, lead, customer_id=customer_id, contact_id=contact_id, deal_id=deal_id)
    return {
        "state": "completed",
        "deal_id": deal_id,
        "deal_version": None if deal is None else deal.version,
        "deal_created": "create" in wishes["deal"],
        "finished_at": after.document["converted_at"],
    }


def _write_deal(session: Session, lead_id: int, wish: Mapping[str, Any], customer_id: int | None) -> Record | None:
    if "create" in wish:
        values = dict(wish["create"]) | {"customer_id": customer_id, "lead_id": lead_id}
        return create_deal(session, values)
    if "use" in wish:
        deal = DEALS.get(session, wish["use"], lock=True)
        refuse_unusable(deal, customer_id)
        blank = {name: value for name, value in wish["fill"].items() if deal.document[name] in (None, "")}
        return change_deal(session, deal, blank) if blank else deal
    return None


def _expect_converting(session: Session, conversion_id: int, *, lock: bool = False) -> Record | None:
    """A conversion that waits for customers; None for one that is over, was given up, or went with its lead."""
    conversion = _find(session, conversion_id, lock=lock)
    if conversion is None:
        return None
    known = conversion.document
    return conversion if known["state"] == _CONVERTING and known["error_code"] is None else None


def _find(session: Session, conversion_id: int, *, lock: bool = True) -> Record | None:
    try:
        return RECORDS.get(session, conversion_id, lock=lock)
    except NotFound:
        return None


def _find_deal(session: Session, deal_id: int | None) -> Record | None:
    try:
        return None if deal_id is None else DEALS.get(session, deal_id, lock=True)
    except NotFound:
        return None


def _over(conversion: Record) -> Conflict:
    return Conflict("conversion_over", f"The conversion is {conversion.document['state']}, and it stays so.")


def _changed(detail: str) -> Conflict:
    return Conflict("conversion_changed", f"{detail} The conversion cannot be taken back.")
