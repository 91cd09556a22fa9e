"""Saved views: what somebody wants to see again on a screen."""

import re

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import InSchema, Items, Text
from identity.views import SAVED_VIEW

LONGEST_QUERY = 4_000
MOST_COLUMNS = 100
_SCREEN = validate.Regexp(r"^[a-z][a-z0-9_.-]*$(?!\n)", error="Small letters, digits and _ . - are wanted.")
_COLUMN = validate.Regexp(r"^[a-z][a-z0-9_.]*$(?!\n)", error="The name of a field is wanted.")
_PAIR = r"[^=&#?\s]+=[^&#\s]*"
_QUERY = validate.Regexp(
    re.compile(rf"^(?:{_PAIR}(?:&{_PAIR})*)?$(?!\n)"), error="A query string is wanted: name=value&name=value."
)
_QUERY_TEXT = {
    "description": "The query string of the list, as an address has it.",
    "example": "status=active&sort=-created_at",
}
_COLUMNS_TEXT = {"description": "The columns in their order; null shows those of the screen.", "example": ["name"]}
_SHARED = {"description": "Whether all of the company have it; that takes the permission views:share."}


class SavedViewPatch(InSchema):
    """The fields of the view to change; the others stay."""

    name = Text(shortest=1, longest=100)
    query = Text(longest=LONGEST_QUERY, validate=[_QUERY], metadata=_QUERY_TEXT)
    columns = Items(Text(longest=100, validate=[_COLUMN]), most=MOST_COLUMNS, allow_none=True, metadata=_COLUMNS_TEXT)
    shared = fields.Boolean(truthy={True}, falsy={False}, metadata=_SHARED)


class SavedViewIn(SavedViewPatch):
    """A view to be saved."""

    screen = Text(
        required=True,
        longest=50,
        validate=[_SCREEN],
        metadata={"description": "What it is a view of, as the user interface calls it.", "example": "customers"},
    )
    name = Text(required=True, shortest=1, longest=100)


class SavedViewOut(RecordSchema, view=SAVED_VIEW):
    """A saved view: somebody's own, or shared with all of the company."""

    query = fields.String(required=True, metadata=_QUERY_TEXT)
    columns = fields.List(fields.String(), required=True, allow_none=True, metadata=_COLUMNS_TEXT)
