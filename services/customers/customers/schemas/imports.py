"""What an import looks like on the wire."""

from marshmallow import ValidationError, fields, validate

from chassis.web.records import Count, RecordSchema
from chassis.web.schemas import Entries, InSchema, OutSchema, Text
from customers.rules import importing
from customers.schemas.customers import CustomerIn
from customers.schemas.import_rows import CHOICES
from customers.views import CUSTOMER_IMPORT
from imports.files import DELIMITERS, MOST_COLUMNS, known_encoding
from imports.rows import ERROR, WARNING
from imports.values import DATE_FORMATS, DECIMAL_MARKS

# What a client may say of a customer, and two things that only a file can know.
FIELDS = ("id", *CustomerIn().load_fields, "created_at")


def _known(encoding: str) -> None:
    if not known_encoding(encoding):
        raise ValidationError("This encoding is not known; utf-8 and windows-1252 are, for instance.")


class _Options(InSchema):
    """How the file is to be read and what is to be done with its rows."""

    mode = fields.String(
        validate=[validate.OneOf(importing.MODES)],
        metadata={"description": "Create customers, update those that are there, or upsert: whichever it takes."},
    )
    match_by = fields.String(
        allow_none=True,
        validate=[validate.OneOf(importing.KEYS)],
        metadata={"description": "What a row's customer is found by, for update and upsert."},
    )
    all_or_nothing = fields.Boolean(
        metadata={"description": "One row that is refused refuses all; for files up to 50,000 rows."}
    )
    encoding = Text(longest=40, allow_none=True, validate=[_known])
    delimiter = fields.String(allow_none=True, validate=[validate.OneOf(DELIMITERS)])
    on_unknown = fields.String(
        validate=[validate.OneOf(importing.ON_UNKNOWN)],
        metadata={
            "description": "A status, type, priority, industry or owner that is none here refuses its row or is left "
            "empty. Proposed with the columns if it is not said."
        },
    )
    value_mapping = Entries(
        most=len(CHOICES),
        keys=fields.String(validate=[validate.OneOf(CHOICES)]),
        values=Entries(most=500, keys=Text(longest=255, shortest=1), values=Text(longest=255)),
        metadata={"description": "By field what a text in the file stands for; an empty text leaves the field empty."},
    )
    date_format = fields.String(
        allow_none=True,
        validate=[validate.OneOf(DATE_FORMATS)],
        metadata={"description": "Whether days or months come first in dates such as 03/04/2026."},
    )
    decimal_mark = fields.String(
        allow_none=True,
        validate=[validate.OneOf(DECIMAL_MARKS)],
        metadata={"description": "What stands before the cents in amounts."},
    )


class CustomerImportIn(_Options):
    """A new import; its file is sent afterwards, in parts."""

    filename = Text(longest=255, shortest=1, required=True)
    mode = fields.String(load_default=importing.CREATE, validate=[validate.OneOf(importing.MODES)])


class CustomerImportPatch(_Options):
    """What to change before the import is started; `mapping` replaces the whole mapping."""

    mapping = Entries(
        most=MOST_COLUMNS,
        keys=Text(longest=1000, shortest=1),
        values=fields.String(validate=[validate.OneOf(FIELDS)]),
        metadata={"description": "The customer's field for each column that is to be imported, by the column's name."},
    )


class UploadIn(InSchema):
    """That all parts of the file have come."""

    parts = fields.Integer(strict=True, required=True, validate=[validate.Range(min=1, max=importing.MOST_PARTS)])


class ColumnOut(OutSchema):
    """A column of the file and what is in its first rows."""

    name = fields.String(required=True)
    samples = fields.List(fields.String(), required=True)
    proposed_field = fields.String(
        required=True, allow_none=True, metadata={"description": "What the column is taken for, sure or not."}
    )
    confidence = fields.Float(
        required=True,
        allow_none=True,
        validate=validate.Range(min=0, max=1),
        metadata={"description": "How sure that is; from 0.6 on the mapping follows it."},
    )


class CustomerImportOut(RecordSchema, view=CUSTOMER_IMPORT):
    """An import and how far it is."""

    state = fields.String(required=True, validate=validate.OneOf(importing.STATES))
    mode = fields.String(required=True, validate=validate.OneOf(importing.MODES))
    match_by = fields.String(required=True, allow_none=True, validate=validate.OneOf(importing.KEYS))
    columns = fields.List(
        fields.Nested(ColumnOut),
        required=True,
        metadata={"description": "The file's columns, each with what is in its first rows."},
    )
    mapping = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "The customer's field that a column goes into."},
    )
    profile = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The system whose export the file seems to be; `own` is an export of this one."},
    )
    header_line = fields.Integer(
        required=True, validate=validate.Range(min=1), metadata={"description": "The line of the columns' names."}
    )
    on_unknown = fields.String(required=True, allow_none=True, validate=validate.OneOf(importing.ON_UNKNOWN))
    value_mapping = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=fields.String()),
        required=True,
        metadata={"description": "By field what a text in the file stands for."},
    )
    date_format = fields.String(required=True, allow_none=True, validate=validate.OneOf(DATE_FORMATS))
    decimal_mark = fields.String(required=True, allow_none=True, validate=validate.OneOf(DECIMAL_MARKS))
    size = Count(metadata={"description": "Of the file, in bytes."})
    total_rows = fields.Integer(required=True, allow_none=True, validate=validate.Range(min=0))
    processed_rows = Count(
        metadata={"description": "The others were not looked at: the import is on its way or was stopped."}
    )
    created_rows = Count(metadata={"description": "Before the import was started: that would be created."})
    updated_rows = Count()
    unchanged_rows = Count()
    failed_rows = Count()
    duplicate_rows = Count(metadata={"description": "That are probably there already, and are created all the same."})
    reverted_rows = Count()
    kept_rows = Count(metadata={"description": "That a revert left alone, because somebody has changed them since."})


class CustomerImportErrorOut(OutSchema):
    """What is wrong with a row: where it stands, and what it says there."""

    id = fields.Integer(required=True)
    import_id = fields.Integer(required=True)
    line = fields.Integer(required=True, metadata={"description": "As an editor counts the lines of the file."})
    column_name = fields.String(required=True, allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    value = fields.String(required=True, allow_none=True)
    severity = fields.String(
        required=True,
        validate=validate.OneOf((ERROR, WARNING)),
        metadata={"description": "An error refuses its row, a warning does not."},
    )
