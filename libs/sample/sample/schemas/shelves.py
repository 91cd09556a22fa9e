"""What a shelf looks like on the wire."""

from chassis.web.records import RecordSchema
from chassis.web.schemas import InSchema, Text
from sample.views import SHELF


class ShelfPatch(InSchema):
    """The fields of a shelf to change; the others stay."""

    name = Text(longest=100, shortest=1)
    room = Text(longest=100, allow_none=True)


class ShelfIn(ShelfPatch):
    """A new shelf."""

    name = Text(longest=100, shortest=1, required=True)


class ShelfOut(RecordSchema, view=SHELF):
    """A shelf."""
