"""What an activity looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.dates import Day, Moment
from chassis.web.records import RecordSchema
from chassis.web.schemas import ID_RANGE, Id, InSchema, OutSchema, Text
from tasks import rules
from tasks.schemas.tasks import LONGEST_TEXT, MOST_MINUTES
from tasks.views import ACTIVITY


class _ActivityFields(InSchema):
    """What a client may say of an activity; everything else is the service's own."""

    description = Text(longest=LONGEST_TEXT, allow_none=True)
    outcome = Text(longest=LONGEST_TEXT, allow_none=True)
    duration_minutes = fields.Integer(strict=True, allow_none=True, validate=[validate.Range(min=1, max=MOST_MINUTES)])
    activity_date = Moment()
    follow_up_date = Day(allow_none=True)
    customer_id = Id(allow_none=True)
    lead_id = Id(allow_none=True)
    deal_id = Id(allow_none=True)
    task_id = Id(allow_none=True)


class ActivityIn(_ActivityFields):
    """Something that somebody has done. Changes of status are written by events alone."""

    activity_type = fields.String(required=True, validate=[validate.OneOf(rules.LOGGED_TYPES)])
    title = Text(longest=rules.LONGEST_TITLE, shortest=1, required=True)
    user_id = Id()


class ActivityPatch(_ActivityFields):
    """The fields of an activity to change; the others stay."""

    title = Text(longest=rules.LONGEST_TITLE, shortest=1)


class ChangeOut(OutSchema):
    """What has changed its stage or status, from what to what."""

    entity = fields.String(required=True)
    id = fields.Integer(required=True, validate=ID_RANGE)
    # A keyword in Python.
    locals().update({"from": fields.String(required=True, allow_none=True)})
    to = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class ActivityOut(RecordSchema, view=ACTIVITY):
    """An activity."""

    activity_type = fields.String(required=True, validate=validate.OneOf(rules.ACTIVITY_TYPES))
    change = fields.Nested(ChangeOut, required=True, allow_none=True)
