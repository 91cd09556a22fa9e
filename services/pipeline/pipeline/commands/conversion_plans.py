"""What the conversion of a lead is to write, found and checked before anything is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chassis.context import acting_as, current, tenant
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Conflict, FieldError, Forbidden, Invalid
from pipeline.commands.lead_conversion import converted_stage
from pipeline.commands.leads import refuse_converting
from pipeline.models import CUSTOMERS, USERS
from pipeline.queries import stages
from pipeline.queries.cards import DEALS as DEAL_CARDS
from pipeline.queries.conversions import find_completed_conversion
from pipeline.queries.deals import RECORDS as DEALS
from pipeline.queries.leads import RECORDS as LEADS
from pipeline.rules.conversions import (
    LIKENESS,
    SKIP,
    customer_blanks,
    deal_blanks,
    new_customer,
    new_deal,
    writes_customers,
)
from pipeline.rules.requirements import refuse_inactive_stage, refuse_money, refuse_unfit
from pipeline.rules.stages import group_of
from pipeline.rules.transitions import refusal_of_deal, refusal_of_lead

# Asks customers whom a new one is probably the same as: (path, query) -> {"candidates": [...], "hidden": n}.
AskDuplicates = Callable[[str, Mapping[str, object]], Mapping[str, Any]]
_SKIPPED: Mapping[str, Any] = {"candidates": [], "hidden": 0}


@dataclass(frozen=True, slots=True)
class Plan:
    """A lead as it was read, and what is to become of it."""

    lead: Record
    wishes: Mapping[str, Any]
    assigned_to: int | None
    customer_id: int | None

    @property
    def writes_customers(self) -> bool:
        """Whether customers has something to do."""
        return writes_customers(self.wishes)


def sees_own_customers_only() -> bool:
    """Whether the caller sees no more than their own customers."""
    return "customers:read" not in current().permissions


def plan(session: Session, lead_id: int, data: Mapping[str, Any]) -> Plan:
    """What is to become of a lead, with the lead's values where the request says nothing.

    Raises NotFound, Conflict, Invalid, UnknownReference, Forbidden.
    """
    lead = LEADS.get(session, lead_id)
    refuse_unconvertible(session, lead)
    converted_stage(session)
    owner = _owner(session, lead.document, data.get("assigned_to"))
    customer, customer_id = _customer(session, lead.document, data.get("customer"), owner)
    has_customer = customer_id is not None or "create" in customer
    contact = _contact(data.get("contact"), has_customer=has_customer)
    deal = _deal(session, lead.document, data.get("deal"), owner, customer_id, has_customer=has_customer)
    wishes = {"customer": customer, "contact": contact, "deal": deal, "accept_duplicates": data["accept_duplicates"]}
    if writes_customers(wishes):
        _demand("customers:write", "Writing a customer or a contact")
    return Plan(lead, wishes, owner, customer_id)


def refuse_unconvertible(session: Session, lead: Record) -> None:
    """Raise Conflict for a lead that is not open, or is being converted; with the conversion, where there is one."""
    LEADS.refuse_archived(lead)
    group = group_of(lead.document["status"])
    if group != "open":
        refusal = refusal_of_lead(group)
        conversion_id = find_completed_conversion(session, lead.id)
        headers = {} if conversion_id is None else {"Location": f"/v1/conversions/{conversion_id}"}
        raise replace(refusal, headers=headers)
    refuse_converting(session, lead)


def find_candidates(plan: Plan, ask: AskDuplicates) -> Mapping[str, Any]:
    """Whom the new customer is probably the same as, as far as the caller may see them."""
    new = plan.wishes["customer"].get("create")
    if new is None:
        return _SKIPPED
    query: dict[str, object] = {name: new[name] for name in LIKENESS if name in new}
    query |= {"user_id": current().user_id, "own_only": str(sees_own_customers_only()).lower()}
    return ask(f"/internal/duplicates/{tenant()}", query)


def refuse_duplicates(plan: Plan, ask: AskDuplicates) -> None:
    """Raise Conflict for likely duplicates of the new customer that were not accepted."""
    found = find_candidates(plan, ask)
    accepted = plan.wishes["accept_duplicates"]
    others = [one for one in found["candidates"] if one["customer"]["id"] not in accepted]
    if others:
        detail = "There are customers that the new one is probably the same as."
        raise Conflict("possible_duplicate", detail, members={**found, "candidates": others})


def _owner(session: Session, lead: Mapping[str, Any], given: int | None) -> int | None:
    if given is not None:
        known = USERS.find_people(session, {given}).get(given)
        if known is None:
            raise USERS.unknown("/assigned_to")
        USERS.refuse_inactive(session, given)
        return given
    owner: int | None = lead["assigned_to"]
    return owner if owner is not None and owner in USERS.active_among(session, {owner}) else current().user_id


def _customer(
    session: Session, lead: Mapping[str, Any], choice: Mapping[str, Any] | None, owner: int | None
) -> tuple[Mapping[str, Any], int | None]:
    of_lead: int | None = lead["customer_id"]
    if choice is None:
        choice = {"create": {}} if of_lead is None else {"use": of_lead}
    if choice.get("skip"):
        return SKIP, of_lead
    if "create" in choice:
        if of_lead is not None:
            raise _mismatch("/customer/create", f"The lead is one of customer {of_lead}.")
        return {"create": new_customer(lead, owner, choice["create"])}, None
    customer_id: int = choice["use"]
    if of_lead not in (None, customer_id):
        raise _mismatch("/customer/use", f"The lead is one of customer {of_lead}.")
    known = CUSTOMERS.require(session, customer_id, pointer="/customer/use")
    if sees_own_customers_only() and current().user_id not in (known["assigned_to"], known["created_by"]):
        raise CUSTOMERS.unknown("/customer/use")
    if known["merged_into"] is not None:
        raise Conflict("customer_merged", f"Customer {customer_id} was merged into customer {known['merged_into']}.")
    if known["archived_at"] is not None:
        raise Conflict("customer_archived", f"Customer {customer_id} is archived; restore it first.")
    used: dict[str, Any] = {"use": customer_id}
    if choice.get("fill_blanks") and (fill := customer_blanks(lead, owner)):
        used["fill"] = fill
    return used, customer_id


def _contact(choice: Mapping[str, Any] | None, *, has_customer: bool) -> Mapping[str, Any]:
    if choice is None or choice.get("skip"):
        return SKIP
    if not has_customer:
        detail = "A contact is a person at a customer."
        raise Invalid("contact_without_customer", detail, (FieldError("/contact", "required", detail),))
    return choice


def _deal(  # What a deal is made of.
    session: Session,
    lead: Mapping[str, Any],
    choice: Mapping[str, Any] | None,
    owner: int | None,
    customer_id: int | None,
    *,
    has_customer: bool,
) -> Mapping[str, Any]:
    choice = {"create": {}} if choice is None else choice
    if not has_customer:
        if choice.get("skip"):
            raise Invalid("nothing_to_convert", "Nothing is to become of the lead: neither customer nor deal.")
        detail = "A deal is one of a customer."
        raise Invalid("deal_without_customer", detail, (FieldError("/deal", "required", detail),))
    if choice.get("skip"):
        return SKIP
    _demand("deals:write", "Writing a deal")
    if "create" in choice:
        values = new_deal(lead, owner, choice["create"])
        refuse_money(values["currency"], values["deal_value"], "/deal/create/deal_value")
        if "stage_id" in values:
            stage, _ = stages.enter_stage(session, DEAL_CARDS, values["stage_id"])
            refuse_unfit(stage, "open")
            refuse_inactive_stage(stage)
        return {"create": values}
    with acting_as(replace(current(), own_only="deals:read" not in current().permissions)):
        deal = DEALS.get(session, choice["use"])
    refuse_unusable(deal, customer_id)
    return {"use": deal.id, "fill": deal_blanks(lead, owner)}


def refuse_unusable(deal: Record, customer_id: int | None) -> None:
    """Raise Conflict for a deal that is closed or archived, Invalid for another customer's."""
    DEALS.refuse_archived(deal)
    status = group_of(deal.document["status"])
    if status != "open":
        raise refusal_of_deal(status)
    if deal.document["customer_id"] != customer_id:
        raise _mismatch("/deal/use", f"Deal {deal.id} is another customer's.")


def _mismatch(pointer: str, detail: str) -> Invalid:
    return Invalid("customer_mismatch", detail, (FieldError(pointer, "customer_mismatch", detail),))


def _demand(permission: str, what: str) -> None:
    if permission not in current().permissions:
        raise Forbidden("permission_missing", f"{what} takes the permission {permission}.")
