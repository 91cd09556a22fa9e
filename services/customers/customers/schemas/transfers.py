"""What a transfer of customers looks like, as events tell it."""

from marshmallow import fields, validate

from chassis.web.records import Count, RecordSchema
from chassis.web.schemas import ID_RANGE
from customers.views import CUSTOMER_TRANSFER


class CustomerTransferOut(RecordSchema, view=CUSTOMER_TRANSFER):
    """The handing over of a deactivated user's customers."""

    user_id = fields.Integer(
        required=True, validate=ID_RANGE, metadata={"description": "Whose customers are handed over."}
    )
    targets = fields.List(
        fields.Integer(validate=ID_RANGE),
        required=True,
        validate=validate.Length(min=1),
        metadata={"description": "Who gets them, in turn; who is not active at the time is left out."},
    )
    moved = Count(metadata={"description": "How many customers have been handed over."})
