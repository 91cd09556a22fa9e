"""What a task looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.dates import Day, Moment
from chassis.web.records import Count, RecordSchema
from chassis.web.schemas import ID_RANGE, Id, IdText, InSchema, OutSchema, Text
from tasks import rules
from tasks.rules.recurrence_grammar import LONGEST_RULE
from tasks.schemas.fields import Zone
from tasks.views import TASK

LONGEST_TEXT = 20_000
MOST_MINUTES = 100_000


class RecurrenceIn(InSchema):
    """How a task recurs: a rule in a part of RFC 5545's grammar."""

    rrule = Text(longest=LONGEST_RULE, shortest=1, required=True)
    basis = fields.String(validate=[validate.OneOf(rules.BASES)])
    missing_day = fields.String(validate=[validate.OneOf(rules.MISSING_DAYS)])


class _TaskFields(InSchema):
    """What a client may say of a task; everything else is the service's own."""

    description = Text(longest=LONGEST_TEXT, allow_none=True)
    task_type = fields.String(validate=[validate.OneOf(rules.TASK_TYPES)])
    priority = fields.String(validate=[validate.OneOf(rules.PRIORITIES)])
    status = fields.String(validate=[validate.OneOf(rules.STATUSES)])
    due_date = Moment(allow_none=True)
    due_on = Day(allow_none=True)
    due_time_zone = Zone()
    remind_at = Moment(allow_none=True)
    customer_id = Id(allow_none=True)
    lead_id = Id(allow_none=True)
    deal_id = Id(allow_none=True)
    assigned_to = Id()


class TaskIn(_TaskFields):
    """A new task: due on a day (`due_on`) or at a time (`due_date`), or not at all."""

    title = Text(longest=rules.LONGEST_TITLE, shortest=1, required=True)
    completed_at = Moment()
    recurrence = fields.Nested(RecurrenceIn)


class TaskPatch(_TaskFields):
    """The fields of a task to change; the others stay."""

    title = Text(longest=rules.LONGEST_TITLE, shortest=1)


class TaskOut(RecordSchema, view=TASK):
    """A task."""

    task_type = fields.String(required=True, validate=validate.OneOf(rules.TASK_TYPES))
    priority = fields.String(required=True, validate=validate.OneOf(rules.PRIORITIES))
    status = fields.String(required=True, validate=validate.OneOf(rules.STATUSES))


class LoggedIn(InSchema):
    """What is logged of a task's completion."""

    outcome = Text(longest=LONGEST_TEXT, allow_none=True)
    duration_minutes = fields.Integer(strict=True, validate=[validate.Range(min=1, max=MOST_MINUTES)])
    description = Text(longest=LONGEST_TEXT, allow_none=True)
    follow_up_date = Day()


class CompletionIn(InSchema):
    """When a task was completed, if not now, and what is logged of it."""

    completed_at = Moment()
    activity = fields.Nested(LoggedIn)


class ReopeningIn(InSchema):
    """The state that a task goes back to."""

    status = fields.String(validate=[validate.OneOf(rules.OPEN_STATUSES)])


class SnoozeIn(InSchema):
    """Until when a task is put off: a time for one with a time, a day for an all-day one."""

    until = Moment()
    until_date = Day()


class AssignmentIn(InSchema):
    """Who is to do a task."""

    assigned_to = Id(required=True)


class SummaryQuery(InSchema):
    """Whose open tasks are counted, and whose days are meant."""

    assigned_to = IdText()
    time_zone = Zone()


class FacetsQuery(InSchema):
    """Whose days are meant."""

    time_zone = Zone()


class SummaryOut(OutSchema):
    """How many open tasks somebody has, by when they are due; the sum is the number of their open tasks."""

    overdue = Count()
    today = Count()
    tomorrow = Count()
    week = Count()
    later = Count()
    none = Count()
    open = Count()
    assigned_to = fields.Integer(required=True, validate=ID_RANGE)
    time_zone = fields.String(required=True)
