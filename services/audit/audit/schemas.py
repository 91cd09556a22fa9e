"""What the wire looks like: one entry of the audit log."""

from marshmallow import fields

from chassis.web.schemas import OutSchema, Timestamp


class AuditLogOut(OutSchema):
    """A change: what was done to which record, by whom, from where, and the record before and after."""

    id = fields.Integer(required=True)
    action = fields.String(required=True, metadata={"description": "What happened, in the past tense."})
    table_name = fields.String(required=True)
    record_id = fields.Integer(required=True)
    old_values = fields.Dict(
        required=True, allow_none=True, metadata={"description": "The record before; null for a new one."}
    )
    new_values = fields.Dict(
        required=True, allow_none=True, metadata={"description": "The record after; null for one that is gone."}
    )
    user_id = fields.Integer(required=True, allow_none=True, metadata={"description": "Null where a machine acted."})
    ip_address = fields.String(required=True, allow_none=True)
    user_agent = fields.String(required=True, allow_none=True)
    event_id = fields.UUID(required=True)
    event_type = fields.String(required=True)
    request_id = fields.String(required=True, allow_none=True, metadata={"description": "The X-Request-Id it had."})
    created_at = Timestamp(required=True, metadata={"description": "When it happened."})
