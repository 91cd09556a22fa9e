"""Sessions: where one is signed in."""

from marshmallow import fields

from chassis.web.schemas import OutSchema, Timestamp


class SessionOut(OutSchema):
    """A session of the caller's that is alive. `current` is the one that asks."""

    id = fields.Integer(required=True)
    created_at = Timestamp(required=True)
    last_used_at = Timestamp(required=True)
    expires_at = Timestamp(required=True)
    ip_address = fields.String(required=True, allow_none=True)
    user_agent = fields.String(required=True, allow_none=True)
    current = fields.Boolean(required=True)
