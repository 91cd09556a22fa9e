"""What may still be done to a customer that is hidden. Pure, no I/O."""

from collections.abc import Mapping
from typing import Any

from chassis.errors import Conflict


def refuse_archived(customer: Mapping[str, Any]) -> None:
    """Raise Conflict for a customer that is hidden, and say why it is."""
    refuse_merged(customer)
    if customer["archived_at"] is not None:
        raise Conflict("customer_archived", f"Customer {customer['id']} is archived; restore it first.")


def refuse_merged(customer: Mapping[str, Any]) -> None:
    """Raise Conflict for a customer that was merged into another one, and say into which."""
    if customer["merged_into"] is not None:
        raise Conflict("customer_merged", f"Customer {customer['id']} was merged into {customer['merged_into']}.")
