"""Going on as somebody who became known only in the course of the request."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from chassis.context import acting_as, current
from chassis.db.session import Session, set_tenant


@contextmanager
def working_for(session: Session, company_id: int, user_id: int | None) -> Iterator[None]:
    """Go on as a user of a tenant who became known only now: in the context for events, in the transaction for rows.

    Afterwards both are of the tenant before, if there was one. After an exception the transaction is not: it is over.
    """
    before = current().company_id
    with acting_as(replace(current(), company_id=company_id, user_id=user_id)):
        set_tenant(session, company_id)
        yield
    if before is not None:
        set_tenant(session, before)
