"""Industries: the nine of the seed, and those that a company has added."""

from sqlalchemy import select

from chassis.db.records import Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.events import SOURCE
from customers.models import industries
from customers.rules import INDUSTRIES
from customers.views import INDUSTRY

RECORDS = Records(INDUSTRY, source=SOURCE, noun="industry")

_NAMES = Prepared(select(industries.c.name).where(of_tenant(industries)))


def list_industries(session: Session) -> list[str]:
    """The names that a customer's industry may have, the seed's first."""
    added = {name for (name,) in session.fetch(_NAMES)} - set(INDUSTRIES)
    return [*INDUSTRIES, *sorted(added)]
