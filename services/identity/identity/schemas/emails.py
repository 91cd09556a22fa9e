"""Proving an e-mail address."""

from marshmallow import fields

from chassis.web.schemas import InSchema


class EmailVerificationIn(InSchema):
    """The token from the link."""

    token = fields.String(required=True, load_only=True)
