"""Adding to the industries of a company."""

from sqlalchemy import func, select

from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict
from customers.events import INDUSTRY_CREATED
from customers.models import industries
from customers.queries.industries import RECORDS
from customers.rules import INDUSTRIES

MOST_OF_A_COMPANY = 500

_COUNT = Prepared(select(func.count()).where(of_tenant(industries)))


def add_industry(session: Session, name: str) -> Record:
    """Add an industry to the company's. Raises Conflict for one that is there already, the seed's nine included."""
    if name in INDUSTRIES:
        raise Conflict("industry_exists", "There is such an industry already.")
    if session.fetch(_COUNT)[0][0] >= MOST_OF_A_COMPANY:
        raise Conflict("too_many_industries", f"A company has at most {MOST_OF_A_COMPANY} industries.")
    return RECORDS.create(session, INDUSTRY_CREATED, {"name": name})
