"""What a lead becomes when it is converted, and what stands in the way of undoing that. Pure, no I/O."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from chassis.errors import FieldError, Invalid

UNDO_WINDOW = timedelta(days=30)
# A conversion that takes longer than this has been waiting for a service that is down.
LONG_AFTER = timedelta(minutes=15)
# By what customers finds those that a new one is probably the same as.
LIKENESS = ("name", "email", "phone", "website", "country", "customer_type")
SKIP: Mapping[str, Any] = {"skip": True}


def new_customer(lead: Mapping[str, Any], owner: int | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The customer that a lead becomes, with what the request says of it instead."""
    values = {
        "name": lead["lead_name"],
        "email": lead["email"],
        "phone": lead["phone"],
        "source": lead["source"],
        "priority": lead["priority"],
        "assigned_to": owner,
    }
    return {name: value for name, value in (values | dict(given)).items() if value is not None}


def customer_blanks(lead: Mapping[str, Any], owner: int | None) -> dict[str, Any]:
    """What a customer that lacks it gets from the lead."""
    values = {"email": lead["email"], "phone": lead["phone"], "source": lead["source"], "assigned_to": owner}
    return {name: value for name, value in values.items() if value is not None}


def new_deal(lead: Mapping[str, Any], owner: int | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The deal that a lead becomes, with what the request says of it instead. Raises Invalid without a value."""
    values = {
        "deal_name": lead["lead_name"],
        "deal_value": lead["estimated_value"],
        "currency": lead["currency"],
        "expected_close_date": lead["expected_close_date"],
        "notes": notes_of(lead),
        "assigned_to": owner,
    }
    values = {name: value for name, value in (values | dict(given)).items() if value is not None}
    if "deal_value" not in values:
        detail = "The lead has no estimated value; say what the deal is worth."
        raise Invalid("validation_failed", detail, (FieldError("/deal/create/deal_value", "required", detail),))
    return {name: _written(value) for name, value in values.items()}


def deal_blanks(lead: Mapping[str, Any], owner: int | None) -> dict[str, Any]:
    """What a deal that lacks it gets from the lead."""
    values = {
        "lead_id": lead["id"],
        "expected_close_date": lead["expected_close_date"],
        "notes": notes_of(lead),
        "assigned_to": owner,
    }
    return {name: value for name, value in values.items() if value is not None}


def notes_of(lead: Mapping[str, Any]) -> str | None:
    """Description and notes of a lead as one text."""
    return "\n\n".join(text for text in (lead["description"], lead["notes"]) if text) or None


def writes_customers(wishes: Mapping[str, Any]) -> bool:
    """Whether customers has something to do: a contact is known to it alone, so that it looks at one that is used."""
    customer, contact = wishes["customer"], wishes["contact"]
    return "create" in customer or "fill" in customer or contact != SKIP


def is_over(finished_at: str, now: datetime) -> bool:
    """Whether it is too late to undo a conversion."""
    return datetime.fromisoformat(finished_at) + UNDO_WINDOW < now


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
