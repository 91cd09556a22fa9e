"""What a timeline looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.dates import Moment
from chassis.web.schemas import ID_RANGE, IdText, InSchema, OutSchema, PageInfo, Text, Timestamp
from tasks import rules

KINDS = ("activity", "task")


class TimelineQuery(InSchema):
    """Whose timeline is asked for (exactly one), and which entries of it."""

    customer_id = IdText()
    lead_id = IdText()
    deal_id = IdText()
    kind = fields.String(validate=[validate.OneOf(KINDS)])
    activity_type = fields.String(validate=[validate.OneOf(rules.ACTIVITY_TYPES)])
    user_id = IdText()
    locals().update({"from": Moment()})
    to = Moment()
    group = fields.String(validate=[validate.OneOf(("true", "false"))])
    limit = fields.String(validate=[validate.Regexp(r"^([1-9][0-9]?|100)$(?!\n)")])
    cursor = Text(longest=3072)


class EntryOut(OutSchema):
    """An activity, or a task that was completed."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    at = Timestamp(required=True)
    id = fields.Integer(required=True, validate=ID_RANGE)
    record = fields.Dict(required=True)
    grouped = fields.List(
        fields.Dict(),
        metadata={"description": "With `group=true`: further changes of the same record by the same user, older ones."},
    )


class TimelinePage(OutSchema):
    """A page of a timeline, the latest entries first."""

    data = fields.List(fields.Nested(EntryOut), required=True)
    page = fields.Nested(PageInfo, required=True)
