"""What other services are told of companies and members."""

from marshmallow import fields

from chassis.web.schemas import OutSchema


class ReferencesOut(OutSchema):
    """Records as their events show them in `after`."""

    data = fields.List(fields.Dict(), required=True)
    next = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "To be sent as `after` with the next question; null when there is no more."},
    )
