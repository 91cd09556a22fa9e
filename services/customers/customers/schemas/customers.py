"""What a customer looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import ID_RANGE, LARGEST_BATCH, Email, Id, InSchema, Items, Money, Phone, Tags, Text
from customers import rules
from customers.views import CUSTOMER


class _CustomerFields(InSchema):
    """What a client may say of a customer; everything else is the service's own."""

    email = Email(allow_none=True)
    phone = Phone(allow_none=True)
    secondary_phone = Phone(allow_none=True)
    address = Text(longest=2000, allow_none=True)
    city = Text(longest=100, allow_none=True)
    state = Text(longest=100, allow_none=True)
    country = Text(longest=100, allow_none=True)
    zip_code = Text(longest=20, allow_none=True)
    customer_type = fields.String(validate=[validate.OneOf(rules.CUSTOMER_TYPES)])
    industry = Text(longest=100, allow_none=True)
    company_name = Text(longest=255, allow_none=True)
    website = Text(longest=255, allow_none=True)
    status = fields.String(validate=[validate.OneOf(rules.STATUSES)])
    source = Text(longest=100, allow_none=True)
    priority = fields.String(validate=[validate.OneOf(rules.PRIORITIES)])
    credit_limit = Money()
    notes = Text(longest=20_000, allow_none=True)
    tags = Tags()
    assigned_to = Id(allow_none=True)


class CustomerIn(_CustomerFields):
    """A new customer."""

    name = Text(longest=255, shortest=1, required=True)
    customer_code = Text(
        longest=50,
        shortest=1,
        validate=[
            validate.Regexp(
                # No field has two patterns, so this one says as well that a code is not blank.
                rf"^(?!{rules.GENERATED_CODE_PATTERN})\s*\S",
                error="A code is not blank, and those of the form C-123 are given out by the service.",
            )
        ],
    )


class CustomerPatch(_CustomerFields):
    """The fields of a customer to change; the others stay."""

    name = Text(longest=255, shortest=1)


class CustomerOut(RecordSchema, view=CUSTOMER):
    """A customer."""

    customer_type = fields.String(required=True, metadata={"examples": list(rules.CUSTOMER_TYPES)})
    status = fields.String(required=True, metadata={"examples": list(rules.STATUSES)})
    priority = fields.String(required=True, metadata={"examples": list(rules.PRIORITIES)})
    tags = fields.List(fields.String(), required=True)
    merged_into = fields.Integer(
        required=True,
        allow_none=True,
        validate=ID_RANGE,
        metadata={"description": "The record that this one was merged into."},
    )


class AssignmentIn(InSchema):
    """Who is to look after a customer; null means nobody."""

    assigned_to = Id(required=True, allow_none=True)


class BulkAssignmentIn(AssignmentIn):
    """Who is to look after these customers."""

    ids = Items(Id(), required=True, least=1, most=LARGEST_BATCH)
