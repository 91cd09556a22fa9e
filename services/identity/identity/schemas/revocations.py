"""What the gateways have to refuse."""

from marshmallow import fields

from chassis.web.schemas import OutSchema


class RevocationsOut(OutSchema):
    """What is revoked, or what has changed since the cursor that was sent."""

    cursor = fields.String(required=True, metadata={"description": "To be sent as `after` with the next question."})
    users = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "User id → the lowest `ver` of a token that is good."},
    )
    sessions = fields.List(fields.UUID(), required=True, metadata={"description": "The `sid` of sessions that ended."})
    companies = fields.Dict(
        keys=fields.String(),
        values=fields.Boolean(),
        required=True,
        metadata={"description": "Company id → whether it is closed."},
    )
