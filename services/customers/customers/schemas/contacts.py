"""What a contact looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.schemas import InSchema, OutSchema, Text, Timestamp
from customers import rules


class _ContactFields(InSchema):
    """What a client may say of a contact; everything else is the service's own."""

    last_name = Text(longest=100, allow_none=True)
    email = Text(
        longest=255,
        allow_none=True,
        validate=[validate.Regexp(rf"{rules.EMAIL_PATTERN}(?!\n)", error="This is no e-mail address.")],
    )
    phone = Text(longest=50, allow_none=True)
    job_title = Text(longest=100, allow_none=True)
    is_primary = fields.Boolean(truthy={True}, falsy={False})


class ContactIn(_ContactFields):
    """A new contact."""

    first_name = Text(longest=100, shortest=1, required=True)


class ContactPatch(_ContactFields):
    """The fields of a contact to change; the others stay."""

    first_name = Text(longest=100, shortest=1)


class ContactOut(OutSchema):
    """A contact: a person at a customer."""

    id = fields.Integer(required=True)
    company_id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    customer_id = fields.Integer(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    phone_e164 = fields.String(required=True, allow_none=True)
    job_title = fields.String(required=True, allow_none=True)
    is_primary = fields.Boolean(required=True)
    created_by = fields.Integer(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    archived_at = Timestamp(required=True, allow_none=True)
