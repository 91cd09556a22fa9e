"""What an industry looks like on the wire."""

from marshmallow import fields

from chassis.web.records import RecordSchema
from chassis.web.schemas import InSchema, OutSchema, Text
from customers.views import INDUSTRY


class IndustryIn(InSchema):
    """An industry to add."""

    name = Text(longest=100, shortest=1, required=True)


class IndustryOut(RecordSchema, view=INDUSTRY):
    """An industry of the company's own."""


class IndustriesOut(OutSchema):
    """The names that a customer's industry may have."""

    data = fields.List(fields.String(), required=True)
