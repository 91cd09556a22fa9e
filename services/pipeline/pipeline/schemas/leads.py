"""What a lead looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.dates import Day, Moment
from chassis.web.records import RecordSchema
from chassis.web.schemas import LARGEST_BATCH, Email, Id, InSchema, Items, Money, Phone, Text
from pipeline import rules
from pipeline.schemas.fields import LONGEST_REASON, LONGEST_TEXT, Currency, Percent
from pipeline.views import LEAD, LEAD_EXPORT, LEAD_TRANSFER


class ReasonIn(InSchema):
    """Why something was lost."""

    loss_reason_id = Id(allow_none=True)
    loss_reason = Text(longest=LONGEST_REASON, allow_none=True)


class _LeadFields(ReasonIn):
    """What a client may say of a lead; everything else is the service's own."""

    customer_id = Id(allow_none=True)
    email = Email(allow_none=True)
    phone = Phone(allow_none=True)
    source = Text(longest=100, allow_none=True)
    stage_id = Id()
    priority = fields.String(validate=[validate.OneOf(rules.PRIORITIES)])
    probability = Percent(allow_none=True)
    estimated_value = Money(allow_none=True)
    currency = Currency()
    expected_close_date = Day(allow_none=True)
    description = Text(longest=LONGEST_TEXT, allow_none=True)
    notes = Text(longest=LONGEST_TEXT, allow_none=True)
    assigned_to = Id(allow_none=True)


class LeadIn(_LeadFields):
    """A new lead."""

    lead_name = Text(longest=rules.LONGEST_NAME, shortest=1, required=True)
    created_at = Moment(metadata={"description": "When it was created, if not now; takes the permission leads:import."})
    closed_at = Moment(metadata={"description": "When it was lost, if not now."})


class LeadPatch(_LeadFields):
    """The fields of a lead to change; the others stay. A stage is moved into, to its top."""

    lead_name = Text(longest=rules.LONGEST_NAME, shortest=1)


class LeadOut(RecordSchema, view=LEAD):
    """A lead."""

    status = fields.String(required=True, validate=validate.OneOf(rules.LEAD_STATUSES))
    priority = fields.String(required=True, validate=validate.OneOf(rules.PRIORITIES))
    probability_source = fields.String(required=True, validate=validate.OneOf(rules.PROBABILITY_SOURCES))


class MoveIn(ReasonIn):
    """Where a card goes: into a stage, behind or before a neighbour there, else to the top."""

    stage_id = Id(required=True)
    after_id = Id(metadata={"description": "The card to lie behind."})
    before_id = Id(metadata={"description": "The card to lie before."})
    probability = Percent()


class ReopeningIn(InSchema):
    """The stage to reopen in, if it is to be another than the last open one."""

    stage_id = Id()


class AssignmentIn(InSchema):
    """Who is to look after a record; null means nobody."""

    assigned_to = Id(required=True, allow_none=True)


class BulkAssignmentIn(AssignmentIn):
    """Who is to look after these records."""

    ids = Items(Id(), required=True, least=1, most=LARGEST_BATCH)


class LeadExportOut(RecordSchema, view=LEAD_EXPORT):
    """An export of leads that was taken."""


class LeadTransferOut(RecordSchema, view=LEAD_TRANSFER):
    """The handing over of a deactivated user's leads."""

    targets = fields.List(fields.Integer(), required=True)
