"""What happened at the door, as events tell it."""

from marshmallow import fields, validate

from chassis.web.schemas import ID_RANGE, OutSchema, Timestamp


class SecurityEventOut(OutSchema):
    """Something that happened at the door."""

    id = fields.Integer(required=True, validate=ID_RANGE)
    company_id = fields.Integer(required=True, validate=ID_RANGE)
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
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
