"""What reminders, notifications and the settings of both look like on the wire."""

from marshmallow import ValidationError, fields, validate

from chassis.web.records import Count, RecordSchema
from chassis.web.schemas import ID_RANGE, Id, InSchema, Items, OutSchema
from tasks import rules
from tasks.schemas.fields import TimeOfDay, Zone
from tasks.views import NOTIFICATION, REMINDER, TASK_TRANSFER, USER_SETTINGS

MOST_REMINDERS = 5
MOST_MINUTES = 60 * 24 * 365
MOST_DAYS = 365
_TIME = {"description": "On the wall clock."}


class BeforeIn(InSchema):
    """How long before a task's due date: minutes of elapsed time, or days at a time of day."""

    minutes_before = fields.Integer(strict=True, validate=[validate.Range(min=0, max=MOST_MINUTES)])
    days_before = fields.Integer(strict=True, validate=[validate.Range(min=0, max=MOST_DAYS)])
    at_time = TimeOfDay()


class DefaultReminderIn(InSchema):
    """As a further reminder, as text."""

    minutes_before = fields.Integer(strict=True, validate=[validate.Range(min=0, max=MOST_MINUTES)])
    days_before = fields.Integer(strict=True, validate=[validate.Range(min=0, max=MOST_DAYS)])
    at_time = fields.String(
        validate=[validate.Regexp(r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")], metadata={"example": "08:30"}
    )


class ReminderOut(RecordSchema, view=REMINDER):
    """A reminder of a task."""

    kind = fields.String(required=True, validate=validate.OneOf(rules.REMINDER_KINDS))
    at_time = fields.String(required=True, allow_none=True, metadata=_TIME)
    state = fields.String(required=True, validate=validate.OneOf(rules.REMINDER_STATES))


class RemindersOut(OutSchema):
    """The caller's own further reminders of a task."""

    data = fields.List(fields.Nested(ReminderOut), required=True)


class NotificationOut(RecordSchema, view=NOTIFICATION):
    """Something that somebody is told of."""

    kind = fields.String(required=True, validate=validate.OneOf(rules.NOTIFICATION_KINDS))
    details = fields.Dict(required=True)


class UnreadOut(OutSchema):
    """How many notifications are not read."""

    unread = Count()


class ReadAllIn(InSchema):
    """The newest notification that was seen."""

    up_to_id = Id(required=True)


class ReadOut(OutSchema):
    """How many notifications were marked."""

    read = Count()


def _different(days: list[int]) -> None:
    if len(set(days)) != len(days):
        raise ValidationError("A day is there twice.")


class SettingsPatch(InSchema):
    """What somebody wants from now on; the rest stays."""

    time_zone = Zone(allow_none=True)
    day_starts_at = TimeOfDay()
    default_reminders = Items(fields.Nested(DefaultReminderIn), most=MOST_REMINDERS)
    email_reminders = fields.Boolean(truthy={True}, falsy={False})
    digest = fields.Boolean(truthy={True}, falsy={False})
    digest_at = TimeOfDay()
    digest_days = Items(
        fields.Integer(strict=True, validate=[validate.Range(min=1, max=7)]), most=7, validate=[_different]
    )


class DefaultReminderOut(OutSchema):
    """How long before a due date somebody is reminded."""

    minutes_before = fields.Integer()
    days_before = fields.Integer()
    at_time = fields.String()


class UserSettingsOut(RecordSchema, view=USER_SETTINGS):
    """How somebody wants to be reminded."""

    day_starts_at = fields.String(required=True, metadata=_TIME)
    default_reminders = fields.List(fields.Nested(DefaultReminderOut), required=True)
    digest_at = fields.String(required=True, metadata=_TIME)
    digest_days = fields.List(
        fields.Integer(), required=True, metadata={"description": "1 is Monday (ISO 8601).", "example": [1, 2, 3]}
    )


class NotificationSettingsOut(OutSchema):
    """How the caller wants to be reminded; version 0 before anything was set."""

    version = fields.Integer(required=True, validate=validate.Range(min=0))
    user_id = fields.Integer(required=True, validate=ID_RANGE)
    time_zone = fields.String(required=True, allow_none=True)
    day_starts_at = fields.String(required=True)
    default_reminders = fields.List(fields.Nested(DefaultReminderOut), required=True)
    email_reminders = fields.Boolean(required=True)
    digest = fields.Boolean(required=True)
    digest_at = fields.String(required=True)
    digest_days = fields.List(fields.Integer(), required=True)


class TaskTransferOut(RecordSchema, view=TASK_TRANSFER):
    """The tasks of somebody who was deactivated, on their way to others."""

    targets = fields.List(fields.Integer(), required=True)
