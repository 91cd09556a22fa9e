"""What a deal looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.dates import Day, Moment
from chassis.web.records import RecordSchema
from chassis.web.schemas import Id, InSchema, Money, Text
from pipeline import rules
from pipeline.schemas.fields import LONGEST_REASON, LONGEST_TEXT, Currency, Percent
from pipeline.schemas.leads import MoveIn
from pipeline.views import DEAL, DEAL_EXPORT, DEAL_TRANSFER


class _DealFields(InSchema):
    """What a client may say of a deal; everything else is the service's own."""

    lead_id = Id(allow_none=True)
    stage_id = Id()
    currency = Currency()
    probability = Percent()
    expected_close_date = Day(allow_none=True)
    loss_reason_id = Id(allow_none=True)
    loss_reason = Text(longest=LONGEST_REASON, allow_none=True)
    closed_at = Moment(metadata={"description": "When it closed, if not now."})
    notes = Text(longest=LONGEST_TEXT, allow_none=True)
    assigned_to = Id(allow_none=True)


class DealIn(_DealFields):
    """A new deal."""

    customer_id = Id(required=True)
    deal_name = Text(longest=rules.LONGEST_NAME, shortest=1, required=True)
    deal_value = Money(required=True)
    created_at = Moment(metadata={"description": "When it was created, if not now; takes the permission deals:import."})


class DealPatch(_DealFields):
    """The fields of a deal to change; the others stay. A stage is moved into, to its top."""

    customer_id = Id()
    deal_name = Text(longest=rules.LONGEST_NAME, shortest=1)
    deal_value = Money()


class DealOut(RecordSchema, view=DEAL):
    """A deal."""

    status = fields.String(required=True, validate=validate.OneOf(rules.DEAL_STATUSES))
    probability_source = fields.String(required=True, validate=validate.OneOf(rules.PROBABILITY_SOURCES))
    close_rate = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What one unit of the currency was worth in close_rate_base on the day it closed."},
    )


class DealMoveIn(MoveIn):
    """Where a deal goes, and what its closing is, if it closes there."""

    closed_at = Moment()


class WinningIn(InSchema):
    """How a deal is won, if not now and in the next won stage."""

    stage_id = Id()
    closed_at = Moment()


class DealLosingIn(WinningIn):
    """Why a deal is lost, and how, if not now and in the next lost stage."""

    loss_reason_id = Id(allow_none=True)
    loss_reason = Text(longest=LONGEST_REASON, allow_none=True)


class DealExportOut(RecordSchema, view=DEAL_EXPORT):
    """An export of deals that was taken."""


class DealTransferOut(RecordSchema, view=DEAL_TRANSFER):
    """The handing over of a deactivated user's deals."""

    targets = fields.List(fields.Integer(), required=True)
