"""Everything that reads customers; always of one tenant."""

from dataclasses import dataclass

from sqlalchemy import bindparam

from chassis.context import current, tenant
from chassis.db.json_view import JsonView
from chassis.db.listing import INTEGER, TEXT, TIMESTAMP, Listing, of_actor
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import NotFound
from customers.models import customers

CUSTOMER = JsonView(
    customers,
    (
        "id",
        "company_id",
        "version",
        "customer_code",
        "name",
        "email",
        "phone",
        "phone_e164",
        "secondary_phone",
        "address",
        "city",
        "state",
        "country",
        "zip_code",
        "customer_type",
        "industry",
        "company_name",
        "website",
        "status",
        "source",
        "priority",
        "credit_limit",
        "notes",
        "tags",
        "created_by",
        "assigned_to",
        "created_at",
        "updated_at",
        "archived_at",
    ),
)

# Whose a customer is, for those who see no more than their own.
OWNERS = ("assigned_to", "created_by")

CUSTOMERS = Listing(
    CUSTOMER,
    filters={
        "id": INTEGER,
        "customer_code": TEXT,
        "name": TEXT,
        "email": TEXT,
        "phone": TEXT,
        "city": TEXT,
        "country": TEXT,
        "customer_type": TEXT,
        "industry": TEXT,
        "company_name": TEXT,
        "status": TEXT,
        "source": TEXT,
        "priority": TEXT,
        "created_by": INTEGER,
        "assigned_to": INTEGER,
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
        "archived_at": TIMESTAMP,
    },
    sorts=("created_at", "updated_at", "name", "id"),
    default={"archived_at": customers.c.archived_at.is_(None)},
    own=OWNERS,
)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as its JSON text, with what a use case needs of it."""

    json: bytes
    id: int
    version: int


THIS_CUSTOMER = (
    customers.c.company_id == bindparam("of_company", type_=customers.c.company_id.type),
    customers.c.id == bindparam("of_id", type_=customers.c.id.type),
)

_ONE = Prepared(CUSTOMER.one(*THIS_CUSTOMER))
_LOCKED = Prepared(CUSTOMER.one(*THIS_CUSTOMER, lock=True))
_OWN = Prepared(CUSTOMER.one(*THIS_CUSTOMER, of_actor(customers, OWNERS)))
_OWN_LOCKED = Prepared(CUSTOMER.one(*THIS_CUSTOMER, of_actor(customers, OWNERS), lock=True))


def get_customer(session: Session, customer_id: int, *, lock: bool = False) -> Customer:
    """The customer, archived or not; with `lock` until the transaction ends. Raises NotFound, also for one unseen."""
    context = current()
    if context.own_only:
        statement = _OWN_LOCKED if lock else _OWN
        row = session.fetch_one(statement, of_company=tenant(), of_id=customer_id, actor=context.user_id)
    else:
        row = session.fetch_one(_LOCKED if lock else _ONE, of_company=tenant(), of_id=customer_id)
    if row is None:
        raise NotFound("customer_not_found", "There is no such customer.")
    return Customer(*row)
