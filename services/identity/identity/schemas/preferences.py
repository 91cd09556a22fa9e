"""How a member likes what they look at."""

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import ID_RANGE, Entries, InSchema, OutSchema, Text
from identity.views import USER_PREFERENCES

MOST_AT_ONCE = 100
_NAME = validate.Regexp(r"^[a-z][a-zA-Z0-9_.-]*$(?!\n)", error="Letters, digits and _ . - are wanted.")
_SETTINGS = {
    "description": "Texts by name; the user interface alone knows what they mean.",
    "example": {"theme": "dark"},
}


class PreferencesPatch(InSchema):
    """The settings to change; the others stay."""

    settings = Entries(
        keys=Text(longest=100, validate=[_NAME]),
        values=Text(longest=2_000, allow_none=True),
        most=MOST_AT_ONCE,
        required=True,
        metadata=_SETTINGS | {"description": "Texts by name; null forgets one."},
    )


class PreferencesOut(OutSchema):
    """The caller's preferences; version 0 before anything was set."""

    version = fields.Integer(required=True, validate=validate.Range(min=0))
    user_id = fields.Integer(required=True, validate=ID_RANGE)
    settings = fields.Dict(keys=fields.String(), values=fields.String(), required=True, metadata=_SETTINGS)


class UserPreferencesOut(RecordSchema, view=USER_PREFERENCES):
    """How a member likes what they look at."""

    settings = fields.Dict(keys=fields.String(), values=fields.String(), required=True, metadata=_SETTINGS)
