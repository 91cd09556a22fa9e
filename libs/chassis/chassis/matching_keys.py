"""Keys by which the same person or company is recognised, by the rules of `people`. Pure, no I/O."""

from collections.abc import Mapping
from typing import Any

from people.countries import country_code
from people.domains import domain_key
from people.emails import email_key
from people.names import name_keys
from people.phones import phone_of

_NOTHING: Mapping[str, Any] = {}


def matching_keys(
    values: Mapping[str, Any], region: str | None = None, before: Mapping[str, Any] = _NOTHING, *, firm: bool = False
) -> dict[str, Any]:
    """The keys of those of email, phone, name, website and company_name that `values` has.

    `before` is the record that they change. A number without a country code is from the record's own country, else from
    `region` (ISO 3166-1 alpha-2); of a country that nobody understands it is not said which number it is. `firm` says
    that the name is a firm's, and is a change of its own where `values` does not have the name. A key that cannot be
    made is None.
    """
    keys: dict[str, Any] = {}
    if "email" in values:
        keys["email_norm"] = email_key(values["email"])
    if "phone" in values or ("country" in values and "phone" in before):
        phone = phone_of(_now("phone", values, before), region_of(_now("country", values, before), region))
        keys["phone_e164"], keys["phone_tail"] = phone.e164, phone.tail
    if "name" in values:
        keys |= keys_of_name(values["name"], firm=firm)
    if "website" in values:
        keys["domain_norm"] = domain_key(values["website"])
    return keys


def keys_of_name(name: str | None, *, firm: bool = False) -> dict[str, str | None]:
    """The key of a name, and that of its spelling with two letters (ue for ü) where it has one."""
    first, second = (*name_keys(name, firm=firm), None, None)[:2]
    return {"name_norm": first, "name_two": second}


def region_of(country: str | None, region: str | None) -> str | None:
    """Where a number of a record in `country` is from: None for a country that is not understood."""
    return country_code(country) if country else region


def _now(name: str, values: Mapping[str, Any], before: Mapping[str, Any]) -> Any:
    return values[name] if name in values else before.get(name)
