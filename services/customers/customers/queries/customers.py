"""Everything that reads customers; always of one tenant."""

import re
from dataclasses import replace

from sqlalchemy import bindparam, select

from chassis.db.kinds import EMAIL, INTEGER, LABEL, TEXT, TIMESTAMP, choice_of
from chassis.db.listing import Labels, Listing, ListQuery, of_actor
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import NotFound
from customers import rules
from customers.events import SOURCE
from customers.models import customer_tags, customers
from customers.views import CUSTOMER

# Whose a customer is, for those who see no more than their own.
_OWNERS = ("assigned_to", "created_by")
OWN = of_actor(customers, _OWNERS)

CUSTOMERS = Listing(
    CUSTOMER,
    filters={
        "id": INTEGER,
        "customer_code": TEXT,
        "name": TEXT,
        "email": EMAIL,
        "phone": TEXT,
        "city": TEXT,
        "country": TEXT,
        "customer_type": choice_of(*rules.CUSTOMER_TYPES),
        "industry": TEXT,
        "company_name": TEXT,
        "status": choice_of(*rules.STATUSES),
        "source": TEXT,
        "priority": choice_of(*rules.PRIORITIES),
        "created_by": INTEGER,
        "assigned_to": INTEGER,
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
        "archived_at": TIMESTAMP,
        "tag": LABEL,
    },
    sorts=(
        "created_at",
        "updated_at",
        "name",
        "status",
        "customer_type",
        "company_name",
        "industry",
        "city",
        "assigned_to",
        "created_by",
    ),
    grouped=("status", "customer_type", "company_name", "industry", "city", "assigned_to", "created_by"),
    alphabetical=("name", "company_name", "industry", "city"),
    labels={"tag": Labels(customer_tags, "tag", "customer_id")},
    default={"archived_at": customers.c.archived_at.is_(None)},
    own=OWN,
    own_columns=_OWNERS,
    search="find_customers",
    by_address=True,
    containing="find_customers_containing",
    contained=("name", "company_name", "email", "customer_code"),
)


_MERGED_CODE = Prepared(
    select(customers.c.id).where(
        of_tenant(customers),
        customers.c.customer_code == bindparam("code", type_=customers.c.customer_code.type),
        customers.c.merged_into.is_not(None),
    )
)

# Found without parsing: it is the last member, and only in a record that was merged is it a number.
_MERGED_INTO = re.compile(rb'"merged_into":([0-9]+)\}\Z')

RECORDS = Records(CUSTOMER, source=SOURCE, noun="customer", own=OWN)


def get_surviving(session: Session, customer_id: int) -> Record:
    """The customer, or the one that it was merged into, however often that was merged itself. Raises NotFound."""
    customer = get_customer(session, customer_id)
    while (into := _MERGED_INTO.search(customer.json)) is not None:
        customer = get_customer(session, int(into[1]))
    return customer


def of_survivors(session: Session, query: ListQuery) -> ListQuery:
    """The same question, of the customer that today is who once had the code that is asked for.

    Who asks for archived records as well asks for the one that was merged.
    """
    names = [name for name, _ in query.shape.conditions]
    if ("customer_code", "eq") not in query.shape.conditions or "archived_at" in names:
        return query
    place = query.shape.conditions.index(("customer_code", "eq"))
    merged = session.fetch_one(_MERGED_CODE, code=query.values[place])
    if merged is None:
        return query
    try:
        survivor = get_surviving(session, merged[0]).id
    except NotFound:
        return query
    conditions, values = list(query.shape.conditions), list(query.values)
    conditions[place], values[place] = ("id", "eq"), survivor
    return replace(query, shape=replace(query.shape, conditions=tuple(conditions)), values=tuple(values))


def get_customer(session: Session, customer_id: int, *, lock: bool = False) -> Record:
    """The customer, archived or not; with `lock` until the transaction ends. Raises NotFound."""
    return RECORDS.get(session, customer_id, lock=lock)
