"""The keys by which a customer is recognised. Pure, no I/O."""

from collections.abc import Mapping
from typing import Any

from chassis.matching_keys import keys_of_name, matching_keys
from people.names import depends_on_kind, name_key

_NEW: Mapping[str, Any] = {}


def customer_keys(
    values: Mapping[str, Any], region: str | None = None, before: Mapping[str, Any] = _NEW
) -> dict[str, Any]:
    """The keys that follow from `values`, which change the customer `before`; `region` is the company's."""
    firm = is_firm(values.get("customer_type", before.get("customer_type")))
    keys = matching_keys(values, region, before, firm=firm)
    if "customer_type" in values and "name" not in values and "name" in before:
        keys |= keys_of_name(before["name"], firm=firm)
    return keys


def is_firm(customer_type: str | None) -> bool:
    """Whether a customer of this type is a firm."""
    return customer_type == "business"


def key_of_other_kind(values: Mapping[str, Any]) -> str | None:
    """The key of a person's name as if it were a firm's, and the other way round; None where it is the same.

    Delta AG is called so whichever of two records says that it is a firm.
    """
    name, firm = values.get("name"), is_firm(values.get("customer_type"))
    if not name or not depends_on_kind(name):
        return None
    other = name_key(name, firm=not firm)
    return None if other == name_key(name, firm=firm) else other


def other_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a customer's name is also looked for by: its second key, and that of the other kind."""
    found = {"name_two": values.get("name_two")}
    if (other := key_of_other_kind(values)) is not None:
        found |= {"name_other": other, "firm": is_firm(values.get("customer_type"))}
    return {name: value for name, value in found.items() if value is not None}
