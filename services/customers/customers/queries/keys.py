"""The keys by which customers and contacts are recognised, made as the company's region wants them."""

from typing import Any

from sqlalchemy import select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.matching_keys import email_key, matching_keys, phone_key
from customers.models import COMPANY

_REGION = Prepared(select(COMPANY.table.c.region).where(of_tenant(COMPANY.table)))


def with_customer_keys(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """`values` of a customer with the keys that follow from them."""
    return values | matching_keys(values, _find_region(session, values.get("phone")))


def with_contact_keys(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """`values` of a contact with the keys that follow from them."""
    keys = {}
    if "email" in values:
        keys["email_norm"] = email_key(values["email"])
    if "phone" in values:
        keys["phone_e164"] = phone_key(values["phone"], _find_region(session, values["phone"]))
    return values | keys


def _find_region(session: Session, phone: str | None) -> str | None:
    """Where a number is from that does not say so itself (ISO 3166-1 alpha-2); None when that is not known."""
    if not phone or phone.lstrip().startswith("+"):
        return None  # It needs no look at the company, and most numbers are so.
    row = session.fetch_one(_REGION)
    return None if row is None else row[0]
