"""What the columns of a file mean whose rows hold a company and somebody who works there. Pure, no I/O."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from customers.rules import contact_import_fields, import_fields
from imports.fields import MAIN, MOBILE, Catalogue, Field
from imports.looks import is_email, is_phone
from people.full_names import whole_name

# What a person can be found by; who has no address is found by the name, at the company.
KEYS = ("email",)

_CUSTOMERS = import_fields.CATALOGUE.by_name
_CONTACTS = contact_import_fields.CATALOGUE.by_name
_PHONES = _CUSTOMERS["phone"]
# What is the customer's, be it the company or somebody without one.
OF_CUSTOMER = (
    "website",
    "address",
    "city",
    "state",
    "country",
    "zip_code",
    "customer_type",
    "industry",
    "status",
    "source",
    "priority",
    "credit_limit",
    "notes",
    "tags",
    "assigned_to",
    "created_at",
)
OF_CONTACT = ("first_name", "last_name", "email", "phone", "job_title", "created_at")

FIELDS = (
    _CONTACTS["first_name"],
    _CONTACTS["last_name"],
    _CONTACTS["name"],
    replace(_CUSTOMERS["email"], names=_CUSTOMERS["email"].names.replace(", company email", "")),
    replace(_PHONES, parts={place: names for place, names in _PHONES.parts.items() if place != MAIN}),
    replace(_CUSTOMERS["secondary_phone"], parts={MOBILE: _CUSTOMERS["secondary_phone"].parts[MOBILE]}),
    _CONTACTS["job_title"],
    # The person's own number in the other system; the customer's code of who has no company.
    Field(
        "contact_code",
        "record id, datensatz id, lead id, contact id, person id, external id, code, pipedrive system id",
    ),
    _CONTACTS["company_name"],
    _CONTACTS["customer_code"],
    Field(
        "company_email", "company email, company e mail, firmen e mail, e mail firma, e mail der firma", looks=is_email
    ),
    Field(
        "company_phone", f"{_PHONES.parts[MAIN]}, telefon firma, firmentelefon, zentrale, switchboard", looks=is_phone
    ),
    *(_CUSTOMERS[name] for name in OF_CUSTOMER),
)

CATALOGUE = Catalogue(
    FIELDS,
    code="contact_code",
    second=import_fields.CATALOGUE.second,
    parent_code="customer_code",
    dates=import_fields.CATALOGUE.dates,
    amounts=import_fields.CATALOGUE.amounts,
)

# Where a customer's values come from, if they are of a company, or of somebody without one.
COMPANY_S = {"name": "company_name", "email": "company_email", "phone": "company_phone"}


def names_person(values: Mapping[str, Any]) -> bool:
    """Whether a row says who somebody is."""
    return any(values.get(name) is not None for name in ("name", "first_name", "last_name", "email"))


def names_company(values: Mapping[str, Any]) -> bool:
    """Whether a row says where somebody works: by the company's name, or by its number beside the person's own."""
    return values.get("company_name") is not None or (
        values.get("customer_code") is not None and values.get("contact_code") is not None
    )


def company_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The company of a row as a customer's values."""
    given = {name: values[name] for name in ("customer_code", *OF_CUSTOMER) if name in values}
    given |= {name: values[field] for name, field in COMPANY_S.items() if field in values}
    if not names_person(values):
        for name in ("email", "phone", "secondary_phone"):
            if name in values:
                given.setdefault(name, values[name])
        if "secondary_phone" in given and "phone" not in given:
            given["phone"] = given.pop("secondary_phone")
    return {"customer_type": "business"} | given


def private_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Somebody without a company as a customer's values."""
    given = {name: values[name] for name in ("email", "phone", "secondary_phone", *OF_CUSTOMER) if name in values}
    for field in ("email", "phone"):
        if field not in given and COMPANY_S[field] in values:
            given[field] = values[COMPANY_S[field]]
    code = values.get("contact_code") or values.get("customer_code")
    name = values.get("name") or whole_name(values.get("first_name"), values.get("last_name"))
    return given | {field: value for field, value in (("customer_code", code), ("name", name)) if value is not None}


def person_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The person of a row as a contact's values."""
    given = {name: values[name] for name in OF_CONTACT if name in values}
    if "phone" not in given and "secondary_phone" in values:
        given["phone"] = values["secondary_phone"]
    return given
