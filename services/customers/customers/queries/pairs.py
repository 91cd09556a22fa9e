"""Pairs of customers that are probably the same, as the job last saw them."""

from sqlalchemy import ColumnElement, and_, select

from chassis.db.kinds import INTEGER, TIMESTAMP
from chassis.db.listing import Listing
from chassis.db.records import Records
from customers.events import SOURCE
from customers.models import customer_duplicates as pairs
from customers.models import customers
from customers.queries.customers import OWN
from customers.views import CUSTOMER_DUPLICATE


def _both(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """That these hold for either customer of a pair."""
    return and_(
        *(
            select(customers.c.id)
            .where(customers.c.company_id == pairs.c.company_id, customers.c.id == column, *conditions)
            .correlate(pairs)
            .exists()
            for column in (pairs.c.customer_id, pairs.c.other_id)
        )
    )


# Whoever sees both customers sees that they are alike.
_OWN = _both(OWN)
RECORDS = Records(CUSTOMER_DUPLICATE, source=SOURCE, noun="customer duplicate", own=_OWN)

PAIRS = Listing(
    CUSTOMER_DUPLICATE,
    filters={"id": INTEGER, "score": INTEGER, "dismissed_at": TIMESTAMP},
    sorts=("score",),
    default_sort=(("score", True),),
    # What has been archived or merged since is no pair any more, before the job has seen it.
    default={"dismissed_at": pairs.c.dismissed_at.is_(None), "archived_at": _both(customers.c.archived_at.is_(None))},
    own=_OWN,
)
