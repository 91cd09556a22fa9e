"""What a transfer of customers looks like, as events tell it."""

from marshmallow import fields, validate

from chassis.web.schemas import ID_RANGE, OutSchema, Timestamp


class CustomerTransferOut(OutSchema):
    """The handing over of a deactivated user's customers."""

    id = fields.Integer(required=True, validate=ID_RANGE)
    company_id = fields.Integer(required=True, validate=ID_RANGE)
    version = fields.Integer(required=True, validate=validate.Range(min=1))
    user_id = fields.Integer(
        required=True, validate=ID_RANGE, metadata={"description": "Whose customers are handed over."}
    )
    targets = fields.List(
        fields.Integer(validate=ID_RANGE),
        required=True,
        validate=validate.Length(min=1),
        metadata={"description": "Who gets them, in turn; who is not active at the time is left out."},
    )
    moved = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "How many customers have been handed over."},
    )
    finished_at = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
