"""The keys by which customers and contacts are recognised, made as the company's region wants them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.matching_keys import matching_keys
from customers.models import COMPANY, customers
from customers.rules.keys import customer_keys

_REGION = Prepared(select(COMPANY.table.c.region).where(of_tenant(COMPANY.table)))
_COUNTRY = Prepared(
    select(customers.c.country).where(of_tenant(customers), customers.c.id == bindparam("of_id", type_=BigInteger))
)
_NEW: Mapping[str, Any] = {}


def with_customer_keys(session: Session, values: dict[str, Any], before: Mapping[str, Any] = _NEW) -> dict[str, Any]:
    """`values` of a customer, which change `before`, with the keys that follow from them."""
    country = values["country"] if "country" in values else before.get("country")
    phone = values.get("phone") or ("country" in values and before.get("phone"))
    region = None if country else _find_region(session, phone or None)
    return values | customer_keys(values, region, before)


def with_contact_keys(session: Session, values: dict[str, Any], country: str | None = None) -> dict[str, Any]:
    """`values` of a contact with the keys that follow from them; `country` is their customer's."""
    given = {name: values[name] for name in ("email", "phone") if name in values} | {"country": country}
    keys = matching_keys(given, None if country else _find_region(session, values.get("phone")))
    return values | {name: key for name, key in keys.items() if name != "phone_tail"}


def with_keys_of_contact(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """`values` of a contact that is there, with its keys: its number is of the country that its customer is in."""
    return with_contact_keys(session, values, session.fetch(_COUNTRY, of_id=values["customer_id"])[0][0])


def _find_region(session: Session, phone: str | None) -> str | None:
    """Where a number is from that does not say so itself (ISO 3166-1 alpha-2); None when that is not known."""
    if not phone or phone.lstrip().startswith("+"):
        return None  # It needs no look at the company, and most numbers are so.
    row = session.fetch_one(_REGION)
    return None if row is None else row[0]
