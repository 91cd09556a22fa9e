"""The company itself, as far as identity has told of it."""

from sqlalchemy import BigInteger, bindparam, select

from chassis.context import tenant
from chassis.db.session import Session
from chassis.db.statements import Prepared
from customers.models import company_refs

_REGION = Prepared(
    select(company_refs.c.region).where(company_refs.c.company_id == bindparam("of_company", type_=BigInteger))
)


def find_region(session: Session) -> str | None:
    """Where phone numbers without a country code are from (ISO 3166-1 alpha-2); None when it is not known."""
    row = session.fetch_one(_REGION, of_company=tenant())
    return None if row is None else row[0]
