"""The keys by which leads are recognised, made as the company's region wants them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.matching_keys import matching_keys
from pipeline.models import company_refs

_REGION = Prepared(select(company_refs.c.region).where(of_tenant(company_refs)))


def with_lead_keys(session: Session, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` of a lead with the keys that follow from them."""
    given = {name: values[name] for name in ("email", "phone") if name in values}
    if "lead_name" in values:
        given["name"] = values["lead_name"]
    keys = matching_keys(given, _region_for(session, values.get("phone")))
    # Leads are found by their names, and not matched by them: one spelling is enough.
    keys.pop("name_two", None)
    return {**values, **keys}


def _region_for(session: Session, phone: str | None) -> str | None:
    if not phone or phone.lstrip().startswith("+"):
        return None  # It needs no look at the company, and most numbers are so.
    return find_region(session)


def find_region(session: Session) -> str | None:
    """Where a number is from that does not say so itself (ISO 3166-1 alpha-2); None when that is not known."""
    row = session.fetch_one(_REGION)
    return None if row is None else row[0]
