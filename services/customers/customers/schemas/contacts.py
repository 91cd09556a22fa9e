"""What a contact looks like on the wire."""

from marshmallow import fields

from chassis.web.records import RecordSchema
from chassis.web.schemas import Email, InSchema, Phone, Text
from customers.views import CONTACT


class _ContactFields(InSchema):
    """What a client may say of a contact; everything else is the service's own."""

    last_name = Text(longest=100, allow_none=True)
    email = Email(allow_none=True)
    phone = Phone(allow_none=True)
    job_title = Text(longest=100, allow_none=True)
    is_primary = fields.Boolean(truthy={True}, falsy={False})


class ContactIn(_ContactFields):
    """A new contact."""

    first_name = Text(longest=100, shortest=1, required=True)


class ContactPatch(_ContactFields):
    """The fields of a contact to change; the others stay."""

    first_name = Text(longest=100, shortest=1)


class ContactOut(RecordSchema, view=CONTACT):
    """A contact: a person at a customer."""
