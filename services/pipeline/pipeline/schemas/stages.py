"""What stages, pipelines and loss reasons look like on the wire."""

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import Id, IdText, InSchema, Items, OutSchema, Text
from pipeline import rules
from pipeline.schemas.fields import Days, Flag, Percent
from pipeline.views import DEAL_STAGE, LEAD_STAGE, LOSS_REASON, PIPELINE

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 2000
MOST_STAGES = 100
_CODE = validate.Regexp(r"^[a-z0-9_]+$(?!\n)", error="Small letters, digits and underscores are wanted.")


class _StageFields(InSchema):
    """What a client may say of a stage."""

    description = Text(longest=LONGEST_DESCRIPTION, allow_none=True)
    is_active = Flag()
    probability = Percent(allow_none=True)
    stale_after_days = Days(allow_none=True)


class LeadStageIn(_StageFields):
    """A new stage of leads, behind the others."""

    name = Text(longest=LONGEST_NAME, shortest=1, required=True)
    lead_status = fields.String(required=True, validate=[validate.OneOf(rules.LEAD_STATUSES)])


class LeadStagePatch(_StageFields):
    """The fields of a stage to change. What it stands for cannot change while a lead is in it."""

    name = Text(longest=LONGEST_NAME, shortest=1)
    lead_status = fields.String(validate=[validate.OneOf(rules.LEAD_STATUSES)])


class LeadStageOut(RecordSchema, view=LEAD_STAGE):
    """A stage of leads."""

    lead_status = fields.String(required=True, validate=validate.OneOf(rules.LEAD_STATUSES))


class LeadStagesOut(OutSchema):
    """All stages of leads, in order."""

    data = fields.List(fields.Nested(LeadStageOut), required=True)


class _DealStageFields(_StageFields):
    """What a client may say of a stage of deals."""

    forecast_category = fields.String(validate=[validate.OneOf(rules.FORECAST_CATEGORIES)])
    expected_days = Days(allow_none=True)
    required_fields = Items(
        fields.String(validate=[validate.OneOf(rules.REQUIRED_FIELDS)]), most=len(rules.REQUIRED_FIELDS)
    )


class DealStageIn(_DealStageFields):
    """A new stage of a pipeline, behind the others; its code is made of its name unless it is given."""

    name = Text(longest=LONGEST_NAME, shortest=1, required=True)
    code = Text(longest=50, shortest=1, validate=[_CODE])
    kind = fields.String(required=True, validate=[validate.OneOf(rules.DEAL_STATUSES)])


class DealStagePatch(_DealStageFields):
    """The fields of a stage to change. Its kind cannot change while a deal is in it, its code never."""

    name = Text(longest=LONGEST_NAME, shortest=1)
    kind = fields.String(validate=[validate.OneOf(rules.DEAL_STATUSES)])


class DealStageOut(RecordSchema, view=DEAL_STAGE):
    """A stage of a pipeline."""

    kind = fields.String(required=True, validate=validate.OneOf(rules.DEAL_STATUSES))
    forecast_category = fields.String(required=True, validate=validate.OneOf(rules.FORECAST_CATEGORIES))
    required_fields = fields.List(fields.String(), required=True)


class DealStagesOut(OutSchema):
    """All stages of a pipeline, in order."""

    data = fields.List(fields.Nested(DealStageOut), required=True)


class OrderIn(InSchema):
    """Every stage, once, in the order that they are to be in."""

    ids = Items(Id(), required=True, least=1, most=MOST_STAGES)


class MoveTo(InSchema):
    """Where the records of a stage go that is deleted."""

    move_to = IdText(metadata={"description": "The stage that its records go to."})


class MovingOut(OutSchema):
    """How many records a worker moves before a stage is deleted."""

    moving = fields.Integer(required=True)


class ProbabilityIn(InSchema):
    """The token of the count before; without it nothing is changed."""

    confirm = Text(longest=500)


class PipelineIn(InSchema):
    """A new pipeline, with the stages that every company begins with."""

    name = Text(longest=LONGEST_NAME, shortest=1, required=True)
    description = Text(longest=LONGEST_DESCRIPTION, allow_none=True)
    is_default = Flag()


class PipelinePatch(InSchema):
    """The fields of a pipeline to change."""

    name = Text(longest=LONGEST_NAME, shortest=1)
    description = Text(longest=LONGEST_DESCRIPTION, allow_none=True)
    is_default = Flag()


class PipelineOut(RecordSchema, view=PIPELINE):
    """A pipeline."""


class LossReasonIn(InSchema):
    """A new reason for a loss."""

    name = Text(longest=LONGEST_NAME, shortest=1, required=True)
    requires_text = Flag()
    is_active = Flag()


class LossReasonPatch(InSchema):
    """The fields of a reason to change."""

    name = Text(longest=LONGEST_NAME, shortest=1)
    requires_text = Flag()
    is_active = Flag()


class LossReasonOut(RecordSchema, view=LOSS_REASON):
    """A reason for a loss."""
