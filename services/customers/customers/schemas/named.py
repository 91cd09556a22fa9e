"""What another service asks about customers that files name, and what it is told."""

from typing import ClassVar

from marshmallow import fields

from chassis.web.schemas import Id, InSchema, Items, OutSchema, Text

MOST_NAMED = 200


class NamedCustomerIn(InSchema):
    """What a row of a file says of a customer, as far as it does."""

    customer_id = Id()
    customer_code = Text(longest=50)
    company_name = Text(longest=255)
    website = Text(longest=255)
    customer_email = Text(longest=255)


class NamedCustomersIn(InSchema):
    """By what another service looks for customers, and for whom."""

    largest: ClassVar[int] = 1024 * 1024

    named = Items(fields.Nested(NamedCustomerIn), most=MOST_NAMED, required=True)
    user_id = Id(required=True, allow_none=True)
    own_only = fields.Boolean(load_default=False)


class NamedCustomerOut(OutSchema):
    """The customer that is meant; where there is none, by what it was looked for, and why that is nobody."""

    customer_id = fields.Integer(required=True, allow_none=True)
    field = fields.String(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)
    detail = fields.String(required=True, allow_none=True)


class NamedCustomersOut(OutSchema):
    """What was found, in the order of the question."""

    found = fields.List(fields.Nested(NamedCustomerOut), required=True)
