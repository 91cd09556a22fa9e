"""What a calendar feed looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import InSchema, Items, OutSchema
from tasks import rules
from tasks.views import CALENDAR_FEED


class IncludeIn(InSchema):
    """What a feed shows: done tasks of the last days too, and tasks of which types."""

    completed = fields.Boolean(truthy={True}, falsy={False})
    task_types = Items(fields.String(validate=[validate.OneOf(rules.TASK_TYPES)]), least=1, most=len(rules.TASK_TYPES))


class CalendarFeedIn(InSchema):
    """How a feed shows tasks: as events, or as what is to be done (`todos`), which fewer calendars can."""

    kind = fields.String(data_key="as", attribute="as", validate=[validate.OneOf(rules.FEED_KINDS)])
    include = fields.Nested(IncludeIn)


class IncludeOut(OutSchema):
    """What a feed shows; what is not there shows all."""

    completed = fields.Boolean()
    task_types = fields.List(fields.String(validate=validate.OneOf(rules.TASK_TYPES)))


class CalendarFeedOut(RecordSchema, view=CALENDAR_FEED):
    """A calendar feed, without its secret."""

    include = fields.Nested(IncludeOut, required=True)


class NewCalendarFeedOut(CalendarFeedOut):
    """A calendar feed with its address, which is shown this once."""

    url = fields.String(required=True)
