"""What the service knows of the company: the currency that it counts in, and where its days begin."""

from dataclasses import dataclass

from sqlalchemy import select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from pipeline.models import company_refs

_GET = Prepared(select(company_refs.c.default_currency, company_refs.c.time_zone).where(of_tenant(company_refs)))


@dataclass(frozen=True, slots=True)
class Company:
    """The base of its sums, and the zone of its days; as identity has them by default until its event arrives."""

    base: str = "USD"
    zone: str = "UTC"


def get_company(session: Session) -> Company:
    """The company that is worked for."""
    row = session.fetch_one(_GET)
    return Company() if row is None else Company(*row)
