"""What the wire looks like: one entry of the audit log."""

from marshmallow import fields

from audit.views import AUDIT_LOG
from chassis.web.records import RecordSchema
from chassis.web.schemas import Timestamp


class AuditLogOut(RecordSchema, view=AUDIT_LOG):
    """A change: what was done to which record, by whom, from where, and the record before and after."""

    action = fields.String(required=True, metadata={"description": "What happened, in the past tense."})
    old_values = fields.Dict(
        required=True, allow_none=True, metadata={"description": "The record before; null for a new one."}
    )
    new_values = fields.Dict(
        required=True, allow_none=True, metadata={"description": "The record after; null for one that is gone."}
    )
    user_id = fields.Integer(required=True, allow_none=True, metadata={"description": "Null where a machine acted."})
    ip_address = fields.String(required=True, allow_none=True)
    source = fields.String(required=True, metadata={"description": "The service that published it."})
    request_id = fields.String(required=True, allow_none=True, metadata={"description": "The X-Request-Id it had."})
    created_at = Timestamp(required=True, metadata={"description": "When it happened."})
