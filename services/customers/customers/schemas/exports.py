"""What an export looks like, as events tell it."""

from marshmallow import fields, validate

from chassis.web.exports import CONTENT_TYPES
from chassis.web.schemas import ID_RANGE, OutSchema, Timestamp


class ExportOut(OutSchema):
    """An export that was taken."""

    id = fields.Integer(required=True, validate=ID_RANGE)
    company_id = fields.Integer(required=True, validate=ID_RANGE)
    version = fields.Integer(required=True, validate=validate.OneOf((1,)))
    format = fields.String(required=True, validate=validate.OneOf(tuple(CONTENT_TYPES)))
    query = fields.String(required=True, metadata={"description": "What was asked for, as the list's query string."})
    created_by = fields.Integer(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
