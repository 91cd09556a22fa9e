"""Merges that were made."""

from sqlalchemy import BigInteger, Text, and_, cast, column, func, not_, select

from chassis.db.kinds import INTEGER, TIMESTAMP
from chassis.db.listing import Listing
from chassis.db.records import Records
from customers.events import SOURCE
from customers.models import customer_merges as merges
from customers.models import customers
from customers.queries.customers import OWN
from customers.views import CUSTOMER_MERGE

# A merge, and undoing it, shows and changes all its customers: each must be one's own, whoever has merged them.
_source = func.jsonb_array_elements_text(merges.c.sources).table_valued(column("id", Text)).render_derived("source")
_of_merge = (customers.c.company_id == merges.c.company_id, OWN)
_OWN = and_(
    select(customers.c.id).where(*_of_merge, customers.c.id == merges.c.customer_id).correlate(merges).exists(),
    not_(
        select(_source.c.id)
        .where(
            not_(
                select(customers.c.id)
                .where(*_of_merge, customers.c.id == cast(_source.c.id, BigInteger))
                .correlate(merges, _source)
                .exists()
            )
        )
        .correlate(merges)
        .exists()
    ),
)
RECORDS = Records(CUSTOMER_MERGE, source=SOURCE, noun="customer merge", own=_OWN)

MERGES = Listing(
    CUSTOMER_MERGE,
    filters={"customer_id": INTEGER, "created_by": INTEGER, "created_at": TIMESTAMP, "undone_at": TIMESTAMP},
    sorts=("created_at",),
    own=_OWN,
)
