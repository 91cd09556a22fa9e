"""The customer that a lead or a deal is to be of."""

from chassis.db.session import Session
from chassis.errors import Conflict
from pipeline.models import CUSTOMERS


def require_live_customer(session: Session, customer_id: int) -> None:
    """See that the customer is live, and have what archives it wait for this change.

    Raises UnknownReference, and Conflict for one that is archived or was merged into another.
    """
    customer = CUSTOMERS.require(session, customer_id, pointer="/customer_id")
    if customer["merged_into"] is not None:
        into = customer["merged_into"]
        raise Conflict("customer_merged", f"Customer {customer_id} was merged into customer {into}.")
    if customer["archived_at"] is not None:
        raise Conflict("customer_archived", f"Customer {customer_id} is archived; restore it first.")
