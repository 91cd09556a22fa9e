"""What a board looks like on the wire."""

from marshmallow import fields

from chassis.web.records import Count
from chassis.web.schemas import OutSchema
from pipeline.schemas.deals import DealOut
from pipeline.schemas.leads import LeadOut
from pipeline.schemas.stages import DealStageOut, LeadStageOut


class AmountsOut(OutSchema):
    """Amounts of one currency."""

    currency = fields.String(required=True)
    count = Count()
    value = fields.String(required=True)


class TotalsOut(OutSchema):
    """What open cards are worth, over all that match; an amount without a rate is in no sum of the base."""

    count = Count()
    value = fields.String(required=True)
    weighted = fields.String(required=True, allow_none=True)
    values = fields.List(fields.Nested(AmountsOut), required=True)
    unconverted = fields.List(fields.Nested(AmountsOut), required=True)


class _ColumnOut(OutSchema):
    """A column: where it goes on, and with include=totals what it is worth; null of what is closed."""

    next_cursor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "For the list with stage_id, sort=position and the same filters."},
    )
    has_more = fields.Boolean(required=True)
    totals = fields.Nested(TotalsOut, allow_none=True)


class LeadColumnOut(_ColumnOut):
    """A stage of leads with its first leads."""

    stage = fields.Nested(LeadStageOut, required=True, allow_none=True)
    cards = fields.List(fields.Nested(LeadOut), required=True)


class LeadBoardOut(OutSchema):
    """The leads by stage."""

    columns = fields.List(fields.Nested(LeadColumnOut), required=True)
    totals = fields.Nested(TotalsOut)


class DealColumnOut(_ColumnOut):
    """A stage of a pipeline with its first deals."""

    stage = fields.Nested(DealStageOut, required=True)
    cards = fields.List(fields.Nested(DealOut), required=True)


class DealBoardOut(OutSchema):
    """The deals of a pipeline by stage."""

    pipeline_id = fields.Integer(required=True)
    columns = fields.List(fields.Nested(DealColumnOut), required=True)
    totals = fields.Nested(TotalsOut)
