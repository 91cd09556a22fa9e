"""What a book looks like on the wire."""

from marshmallow import fields, validate

from chassis.web.records import RecordSchema
from chassis.web.schemas import LARGEST_BATCH, Id, InSchema, Items, Money, Tags, Text
from sample import rules
from sample.views import BOOK, BOOK_EXPORT, BOOK_TRANSFER


class BookPatch(InSchema):
    """The fields of a book to change; the others stay, and so does the book on its shelf."""

    title = Text(longest=255, shortest=1)
    shelf_mark = Text(longest=20, allow_none=True)
    status = fields.String(validate=[validate.OneOf(rules.STATUSES)])
    price = Money(allow_none=True)
    notes = Text(longest=20_000, allow_none=True)
    tags = Tags()
    author_id = Id(allow_none=True)
    assigned_to = Id(allow_none=True)


class BookIn(BookPatch):
    """A new book."""

    shelf_id = Id(required=True)
    title = Text(longest=255, shortest=1, required=True)


class BookOut(RecordSchema, view=BOOK):
    """A book."""

    status = fields.String(required=True, validate=validate.OneOf(rules.STATUSES))
    tags = fields.List(fields.String(), required=True)


class AssignmentIn(InSchema):
    """Who is to look after these books; null means nobody."""

    ids = Items(Id(), required=True, least=1, most=LARGEST_BATCH)
    assigned_to = Id(required=True, allow_none=True)


class BookExportOut(RecordSchema, view=BOOK_EXPORT):
    """An export of books that was taken."""


class BookTransferOut(RecordSchema, view=BOOK_TRANSFER):
    """The handing over of a deactivated user's books."""

    targets = fields.List(fields.Integer(), required=True)
