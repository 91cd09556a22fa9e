"""What a series of recurring tasks looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import Id, InSchema, OutSchema, Text
from tasks import rules
from tasks.rules.recurrence_grammar import LONGEST_RULE
from tasks.schemas.tasks import LONGEST_TEXT
from tasks.views import TASK_SERIES


class SeriesPatch(InSchema):
    """What is to hold for later occurrences; with `apply_to_open` for the open one as well."""

    rrule = Text(longest=LONGEST_RULE, shortest=1)
    basis = fields.String(validate=[validate.OneOf(rules.BASES)])
    missing_day = fields.String(validate=[validate.OneOf(rules.MISSING_DAYS)])
    title = Text(longest=rules.LONGEST_TITLE, shortest=1)
    description = Text(longest=LONGEST_TEXT, allow_none=True)
    task_type = fields.String(validate=[validate.OneOf(rules.TASK_TYPES)])
    priority = fields.String(validate=[validate.OneOf(rules.PRIORITIES)])
    assigned_to = Id()
    apply_to_open = fields.Boolean(truthy={True}, falsy={False})


class TemplateOut(OutSchema):
    """What each task of a series says."""

    title = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    task_type = fields.String(required=True)
    priority = fields.String(required=True)
    remind_before = fields.Integer(allow_none=True, metadata={"description": "Seconds before the due date."})


class TaskSeriesOut(RecordSchema, view=TASK_SERIES):
    """A series of recurring tasks."""

    basis = fields.String(required=True, validate=validate.OneOf(rules.BASES))
    missing_day = fields.String(required=True, validate=validate.OneOf(rules.MISSING_DAYS))
    template = fields.Nested(TemplateOut, required=True)
