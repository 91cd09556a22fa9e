"""The keys by which a customer is recognised. Pure, no I/O."""

from collections.abc import Mapping
from typing import Any

from chassis.matching_keys import keys_of_name, matching_keys

_NEW: Mapping[str, Any] = {}


def customer_keys(
    values: Mapping[str, Any], region: str | None = None, before: Mapping[str, Any] = _NEW
) -> dict[str, Any]:
    """The keys that follow from `values`, which change the customer `before`; `region` is the company's."""
    firm = values.get("customer_type", before.get("customer_type")) == "business"
    keys = matching_keys(values, region, before, firm=firm)
    if "customer_type" in values and "name" not in values and "name" in before:
        keys |= keys_of_name(before["name"], firm=firm)
    return keys
