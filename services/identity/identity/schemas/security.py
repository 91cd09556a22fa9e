"""Security events, as the audit log tells them."""

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import ID_RANGE
from identity.views import SECURITY_EVENT


class SecurityEventOut(RecordSchema, view=SECURITY_EVENT):
    """Something that happened with an account and changed no other record."""

    version = fields.Integer(required=True, validate=validate.OneOf((1,)))
    kind = fields.String(
        required=True,
        validate=validate.Length(max=50),
        metadata={"description": "For instance sign_in_failed, permission_denied, refresh_token_reused, api_key_used."},
    )
    user_id = fields.Integer(
        required=True,
        allow_none=True,
        validate=ID_RANGE,
        metadata={"description": "Whose account or key it was, if it was anybody's."},
    )
    detail = fields.Dict(required=True, metadata={"description": "What else is known; never a secret."})
