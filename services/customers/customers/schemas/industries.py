"""What an industry looks like on the wire."""

from marshmallow import fields

from chassis.web.schemas import InSchema, OutSchema, Text, Timestamp


class IndustryIn(InSchema):
    """An industry to add."""

    name = Text(longest=100, shortest=1, required=True)


class IndustryOut(OutSchema):
    """An industry of the company's own."""

    id = fields.Integer(required=True)
    company_id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    name = fields.String(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class IndustriesOut(OutSchema):
    """The names that a customer's industry may have."""

    data = fields.List(fields.String(), required=True)
