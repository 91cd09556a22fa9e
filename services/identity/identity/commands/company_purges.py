"""Companies that go for good: closed and told of at once, and deleted by the worker here as everywhere."""

import orjson
from sqlalchemy import func, literal_column, update

from chassis.context import current, tenant
from chassis.db import company_purges, outbox
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared
from chassis.errors import FieldError, Invalid
from identity import events
from identity.commands import guards, revocations
from identity.models import companies
from identity.queries.companies import RECORDS

PURGE = "companies:purge"

# What takes the place of what a company has said of itself. What is required is as of a company that has said nothing.
FORMER = {"name": "Former company", "email": "", "status": "inactive", "settings": {}}
_KEPT = frozenset({"id", "version", "default_currency", "time_zone", "created_at", "updated_at"})

# Whoever signs in, refreshes, joins or shows a key from now on finds it closed.
_CLOSE = Prepared(
    update(companies)
    .where(companies.c.id == TENANT)
    .values(status=literal_column("'inactive'"), version=companies.c.version + 1, updated_at=func.now())
)


def refuse_purging(session: Session) -> None:
    """Raise Forbidden for who may not purge the company, as of now and not as of their token."""
    guards.get_giver(session, PURGE)


def purge_company(session: Session, version: int, name: str) -> None:
    """Close the tenant for good, and have every service delete what is its.

    Raises PreconditionFailed, and Invalid where `name` is not the company's.
    """
    refuse_purging(session)
    before = RECORDS.expect(session, tenant(), version)
    if name != before.document["name"]:
        detail = "This is not the company's name."
        raise Invalid(
            "wrong_name",
            "The company is purged under its own name alone.",
            (FieldError("/name", "wrong_name", detail),),
        )
    session.run(_CLOSE)
    revocations.close_company(session, tenant())
    former = {member: value if member in _KEPT else None for member, value in before.document.items()} | FORMER
    event_id = outbox.record(
        session,
        events.COMPANY_PURGED,
        source=events.SOURCE,
        record_id=before.id,
        version=before.version + 1,
        before=orjson.dumps(former),
        after=None,
    )
    company_purges.note(session, event_id, current().user_id)
