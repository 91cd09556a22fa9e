"""What the conversion of a lead wants of customers, as its events say it, and what came of it."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from chassis.errors import Invalid
from chassis.web.records import RecordSchema
from chassis.web.schemas import ID_RANGE, Id, InSchema, Items, load
from customers.commands.conversions import Wishes
from customers.rules import CONVERSION_STATES
from customers.schemas.contacts import ContactIn
from customers.schemas.customers import CustomerIn, CustomerPatch
from customers.views import CONVERSION_RESULT

MOST_ACCEPTED = 100


class _Choice(InSchema):
    """One of: a new record, one that is there, none."""

    use = Id()
    skip = fields.Boolean()


class _CustomerChoice(_Choice):
    create = fields.Nested(CustomerIn)
    fill = fields.Nested(CustomerPatch, load_default=dict)


class _ContactChoice(_Choice):
    create = fields.Nested(ContactIn)


class _WishesIn(InSchema):
    customer = fields.Nested(_CustomerChoice, required=True)
    contact = fields.Nested(_ContactChoice, required=True)
    deal = fields.Dict()
    accept_duplicates = Items(Id(), most=MOST_ACCEPTED, load_default=list)


# Made once: to make a schema with all that is nested in it takes longer than to load by it.
_WISHES = _WishesIn()


class ConversionResultOut(RecordSchema, view=CONVERSION_RESULT):
    """What was done at customers for the conversion of a lead."""

    state = fields.String(required=True, metadata={"examples": list(CONVERSION_STATES)})
    filled = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The blank fields of the customer that were given values."},
    )
    kept = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "JSON Pointers to what was kept when it was undone, because somebody has worked on with it."
        },
    )
    conversion_id = fields.Integer(
        required=True, validate=ID_RANGE, metadata={"description": "The conversion in the pipeline service."}
    )
    error_code = fields.String(
        required=True,
        allow_none=True,
        validate=validate.Length(max=60),
        metadata={"description": "Why it was refused, as an API's answer would have said it."},
    )


def read_wishes(document: Mapping[str, Any]) -> Wishes | Invalid:
    """The wishes of an event, checked as requests are; else the failure that a request would have met."""
    try:
        wishes = load(_WISHES, document)
    except Invalid as error:
        return error
    customer, contact = wishes["customer"], wishes["contact"]
    return Wishes(
        customer=customer.get("create"),
        use=customer.get("use"),
        fill=customer["fill"],
        contact=contact.get("create"),
        use_contact=contact.get("use"),
        accepted=frozenset(wishes["accept_duplicates"]),
    )
