"""What is known of the customer, the lead and the deal that a record is about."""

from collections.abc import Mapping
from typing import Any

from chassis.references import Reference
from tasks.models import CUSTOMERS, DEALS, LEADS

CUSTOMER, LEAD, DEAL = "customer", "lead", "deal"
SUBJECTS: Mapping[str, Reference] = {CUSTOMER: CUSTOMERS, LEAD: LEADS, DEAL: DEALS}


def subject_ids(record: Mapping[str, Any]) -> dict[str, int]:
    """The ids of what a record is about, by kind."""
    return {kind: record[f"{kind}_id"] for kind in SUBJECTS if record.get(f"{kind}_id") is not None}
