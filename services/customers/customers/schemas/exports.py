"""What an export looks like, as events tell it."""

from marshmallow import fields, validate

from chassis.web.exports import CONTENT_TYPES
from chassis.web.records import RecordSchema
from customers.views import CUSTOMER_EXPORT


class CustomerExportOut(RecordSchema, view=CUSTOMER_EXPORT):
    """An export that was taken."""

    version = fields.Integer(required=True, validate=validate.OneOf((1,)))
    format = fields.String(required=True, validate=validate.OneOf(tuple(CONTENT_TYPES)))
    query = fields.String(required=True, metadata={"description": "What was asked for, as the list's query string."})
