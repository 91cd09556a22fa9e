"""Users."""

from marshmallow import fields, validate

from chassis.web.schemas import InSchema, OutSchema, Text, Timestamp
from identity.rules import ROLES
from identity.schemas.fields import EMAIL, PASSWORD


class UserIn(InSchema):
    """The first user of a company."""

    email = Text(required=True, longest=255, validate=[EMAIL], metadata={"format": "email"})
    # Its rules are in rules.py, which has a code of its own for each way to break them.
    password = fields.String(required=True, load_only=True, metadata=PASSWORD)
    first_name = Text(required=True, shortest=1, longest=100)
    last_name = Text(required=True, shortest=1, longest=100)
    phone = Text(longest=50, allow_none=True)


class UserOut(OutSchema):
    """A user. `role` is the platform's; what counts in a company is the role of the membership."""

    id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    email = fields.String(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    avatar = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    is_active = fields.Boolean(required=True)
    is_verified = fields.Boolean(required=True)
    last_login = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
