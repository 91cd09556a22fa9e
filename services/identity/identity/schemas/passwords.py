"""Changing a password, and setting one anew."""

from marshmallow import fields

from chassis.web.schemas import InSchema, Text
from identity.schemas.fields import PASSWORD


class PasswordChangeIn(InSchema):
    """The password as it is and as it shall be."""

    current_password = fields.String(required=True, load_only=True, metadata={"format": "password"})
    new_password = fields.String(required=True, load_only=True, metadata=PASSWORD)


class PasswordForgottenIn(InSchema):
    """The address that the link is to be sent to."""

    email = Text(required=True, longest=255)


class PasswordResetIn(InSchema):
    """The token from the link, and the new password."""

    token = fields.String(required=True, load_only=True)
    new_password = fields.String(required=True, load_only=True, metadata=PASSWORD)
