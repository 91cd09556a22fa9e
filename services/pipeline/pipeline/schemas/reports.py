"""What reports answer: figures as text, rounded once, and what they are of."""

from typing import Any

from marshmallow import fields, validate

from chassis.web.records import Count
from chassis.web.schemas import OutSchema

_SHARE = {"description": "A share with four decimals; null of nothing."}
_DAYS = {"description": "Days with two decimals; null of nothing."}


def _figure(description: str, *, allow_none: bool = False) -> fields.String:
    return fields.String(required=True, allow_none=allow_none, metadata={"description": description})


def _money(what: str, *, allow_none: bool = False) -> fields.String:
    return _figure(f"{what}, rounded half to even to the minor unit of the currency.", allow_none=allow_none)


def _nullable(metadata: dict[str, Any]) -> fields.String:
    return fields.String(required=True, allow_none=True, metadata=metadata)


class AmountOut(OutSchema):
    """Amounts of one currency, added up."""

    currency = fields.String(required=True)
    count = Count()
    value = _money("Their sum")


class RateOut(OutSchema):
    """A rate that the figures were made with."""

    currency = fields.String(required=True)
    rate = _figure("Units of the report's currency for one unit of this one.")
    valid_on = fields.Date(required=True)


class FilterOut(OutSchema):
    """What the report was asked for, and what it took where nothing was asked."""

    pipeline_id = fields.Integer()
    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")
    as_of = fields.Date()
    assigned_to = fields.Integer(allow_none=True)
    source = fields.String(allow_none=True)
    customer_id = fields.Integer(allow_none=True)


class _ReportOut(OutSchema):
    currency = fields.String(
        required=True, metadata={"description": "The company's currency, of all sums but `values`."}
    )
    time_zone = fields.String(required=True)
    filter = fields.Nested(FilterOut, required=True)
    visibility = fields.String(required=True, validate=validate.OneOf(("all", "own")))
    rates = fields.List(fields.Nested(RateOut), required=True)


class OutcomeOut(OutSchema):
    """Closed deals added up."""

    count = Count()
    value = _money("The sum of what could be converted")
    values = fields.List(fields.Nested(AmountOut), required=True)
    unconverted = fields.List(
        fields.Nested(AmountOut),
        required=True,
        metadata={"description": "What no rate is known for: in no sum, and counted all the same."},
    )


class FiguresOut(OutcomeOut):
    """Records added up, also by their probability."""

    weighted = _money("The sum of each value times its probability; null of what is closed", allow_none=True)


class _StageOut(OutSchema):
    stage_id = fields.Integer(required=True)
    code = fields.String(required=True)
    stage_name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("open", "won", "lost")))
    order_index = fields.Integer(required=True)
    is_active = fields.Boolean(required=True)


class LeadStageFiguresOut(OutSchema):
    """The live leads of a stage; those without a stage are under none."""

    stage_id = fields.Integer(required=True, allow_none=True)
    stage_name = fields.String(required=True, allow_none=True)
    lead_status = fields.String(required=True, allow_none=True)
    order_index = fields.Integer(required=True, allow_none=True)
    is_active = fields.Boolean(required=True, allow_none=True)
    lead_count = Count()
    total_value = _money("The sum of what could be converted")
    weighted = _money("The sum of each value times its probability; null of closed leads", allow_none=True)
    values = fields.List(fields.Nested(AmountOut), required=True)
    unconverted = fields.List(fields.Nested(AmountOut), required=True)


class LeadPipelineOut(_ReportOut):
    """The live leads by stage."""

    stages = fields.List(fields.Nested(LeadStageFiguresOut), required=True)
    total = fields.Nested(FiguresOut, required=True)


class DealStageFiguresOut(_StageOut, FiguresOut):
    """The open deals of a stage, or those that closed in it in the window."""

    probability = fields.Integer(required=True, allow_none=True)


class DealPipelineOut(_ReportOut):
    """The open deals by stage, and what closed in the window."""

    stages = fields.List(fields.Nested(DealStageFiguresOut), required=True)
    open = fields.Nested(FiguresOut, required=True)
    won = fields.Nested(OutcomeOut, required=True)
    lost = fields.Nested(OutcomeOut, required=True)


class ExpectedOut(FiguresOut):
    """Open deals that are expected at a time."""

    by_category = fields.Dict(keys=fields.String(), values=fields.Nested(FiguresOut), required=True)


class ForecastMonthOut(ExpectedOut):
    """Open deals that are expected in a month, and what was won in it."""

    month = _figure("The month, such as 2026-03.")
    won = fields.Nested(OutcomeOut, required=True)


class ForecastTotalOut(ExpectedOut):
    """All open deals, and what was won in the months shown."""

    won = fields.Nested(OutcomeOut, required=True)


class ForecastOut(_ReportOut):
    """The open deals by the month that they are expected in."""

    months = fields.List(fields.Nested(ForecastMonthOut), required=True)
    overdue = fields.Nested(ExpectedOut, required=True, metadata={"description": "Expected before today."})
    outside = fields.Nested(ExpectedOut, required=True, metadata={"description": "Expected in no month shown."})
    none = fields.Nested(ExpectedOut, required=True, metadata={"description": "Without a day."})
    total = fields.Nested(ForecastTotalOut, required=True)


class WinRateOut(_ReportOut):
    """The share of the closed deals that was won."""

    won = fields.Nested(OutcomeOut, required=True)
    lost = fields.Nested(OutcomeOut, required=True)
    by_count = _nullable(_SHARE)
    by_value = _nullable(_SHARE)


class _DurationOut(OutSchema):
    count = Count()
    mean_days = _nullable(_DAYS)
    median_days = _nullable(_DAYS)


class DurationOut(_DurationOut):
    """How long something took."""


class CycleOut(_ReportOut, _DurationOut):
    """From the creation of a deal to its last closing."""


class VelocityOut(_ReportOut):
    """What is won a day: open deals * average won value * win rate / mean cycle."""

    open_deals = Count()
    average_won_value = _money("What a deal won in the window was worth", allow_none=True)
    win_rate = _nullable(_SHARE)
    mean_cycle_days = _nullable(_DAYS)
    per_day = _money("What is won a day; null where a factor is, or the cycle is zero", allow_none=True)
    unconverted = fields.List(fields.Nested(AmountOut), required=True)


class FunnelStageOut(_StageOut):
    """A stage on the way of the deals."""

    entered = Count(metadata={"description": "The deals that were in it."})
    reached = Count(metadata={"description": "The deals that were in it or in a later one."})
    conversion = fields.String(
        required=True, allow_none=True, metadata={"description": "Who reached the next one, of those who reached this."}
    )


class FunnelOut(_ReportOut):
    """How far the deals got that were created in the window."""

    deals = Count()
    lost = Count()
    stages = fields.List(fields.Nested(FunnelStageOut), required=True)


class StageDurationOut(_StageOut):
    """How long deals are in a stage."""

    left = fields.Nested(DurationOut, required=True, metadata={"description": "By those that left in the window."})
    still = fields.Nested(DurationOut, required=True, metadata={"description": "By those that are there, up to now."})


class StageDurationsOut(_ReportOut):
    """How long deals are in the open stages."""

    stages = fields.List(fields.Nested(StageDurationOut), required=True)


class SlippageOut(_ReportOut):
    """What became of the deals that were open before the window and expected in it."""

    due = Count()
    won = Count()
    lost = Count()
    slipped = Count(metadata={"description": "Still open at the end; before it, those whose day was moved out."})
    pending = Count(metadata={"description": "Still open, before the end of the window."})
    share = _nullable(_SHARE)
    pushes = Count(metadata={"description": "How often a day was moved out of the window, or taken away."})
    mean_days_pushed = _nullable(_DAYS)


class LossReasonFiguresOut(OutcomeOut):
    """The deals lost for one reason."""

    loss_reason_id = fields.Integer(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    loss_reason = fields.String(required=True)


class LossReasonsOut(_ReportOut):
    """The deals lost in the window by their reason."""

    reasons = fields.List(fields.Nested(LossReasonFiguresOut), required=True)
    others = fields.Nested(OutcomeOut, required=True, metadata={"description": "Those of the reasons not shown."})
    total = fields.Nested(OutcomeOut, required=True)


class SnapshotMonthOut(FiguresOut):
    """What was expected in a month, or without a day."""

    month = fields.String(required=True, allow_none=True)


class SnapshotStageOut(FiguresOut):
    """What was open in a stage."""

    stage_id = fields.Integer(required=True)
    stage_name = fields.String(required=True)
    order_index = fields.Integer(required=True)
    months = fields.List(fields.Nested(SnapshotMonthOut), required=True)


class SnapshotOut(_ReportOut):
    """What was open on a day."""

    stages = fields.List(fields.Nested(SnapshotStageOut), required=True)
    total = fields.Nested(FiguresOut, required=True)
