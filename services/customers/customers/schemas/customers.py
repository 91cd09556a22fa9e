"""What a customer looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.schemas import Id, InSchema, Money, OutSchema, Text, Timestamp
from customers import rules

_MOST_TAGS = 50


class _CustomerFields(InSchema):
    """What a client may say of a customer; everything else is the service's own."""

    email = Text(longest=255, allow_none=True, validate=[validate.Regexp(rf"{rules.EMAIL_PATTERN}(?!\n)")])
    phone = Text(longest=50, allow_none=True)
    secondary_phone = Text(longest=50, allow_none=True)
    address = Text(longest=2000, allow_none=True)
    city = Text(longest=100, allow_none=True)
    state = Text(longest=100, allow_none=True)
    country = Text(longest=100, allow_none=True)
    zip_code = Text(longest=20, allow_none=True)
    customer_type = fields.String(validate=[validate.OneOf(rules.CUSTOMER_TYPES)])
    industry = fields.String(allow_none=True, validate=[validate.OneOf(rules.INDUSTRIES)])
    company_name = Text(longest=255, allow_none=True)
    website = Text(longest=255, allow_none=True)
    status = fields.String(validate=[validate.OneOf(rules.STATUSES)])
    source = Text(longest=100, allow_none=True)
    priority = fields.String(validate=[validate.OneOf(rules.PRIORITIES)])
    credit_limit = Money()
    notes = Text(longest=20_000, allow_none=True)
    tags = fields.List(Text(longest=50, shortest=1), validate=[validate.Length(max=_MOST_TAGS)])
    assigned_to = Id(allow_none=True)


class CustomerIn(_CustomerFields):
    """A new customer."""

    name = Text(longest=255, shortest=1, required=True)
    customer_code = Text(
        longest=50,
        shortest=1,
        validate=[
            validate.Regexp(
                rf"(?!{rules.GENERATED_CODE_PATTERN})", error="Codes of the form C-123 are given out by the service."
            )
        ],
    )


class CustomerPatch(_CustomerFields):
    """The fields of a customer to change; the others stay."""

    name = Text(longest=255, shortest=1)


class CustomerOut(OutSchema):
    """A customer."""

    id = fields.Integer(required=True)
    company_id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    customer_code = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    phone_e164 = fields.String(required=True, allow_none=True)
    secondary_phone = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    city = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, allow_none=True)
    country = fields.String(required=True, allow_none=True)
    zip_code = fields.String(required=True, allow_none=True)
    customer_type = fields.String(required=True, validate=validate.OneOf(rules.CUSTOMER_TYPES))
    industry = fields.String(required=True, allow_none=True)
    company_name = fields.String(required=True, allow_none=True)
    website = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(rules.STATUSES))
    source = fields.String(required=True, allow_none=True)
    priority = fields.String(required=True, validate=validate.OneOf(rules.PRIORITIES))
    credit_limit = Money(required=True)
    notes = fields.String(required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)
    created_by = fields.Integer(required=True, allow_none=True)
    assigned_to = fields.Integer(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    archived_at = Timestamp(required=True, allow_none=True)
