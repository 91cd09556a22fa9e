"""What an import looks like on the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import new_class
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from chassis.web.records import Count, RecordSchema
from chassis.web.schemas import Entries, InSchema, OutSchema, Text
from imports.engine import lifecycle
from imports.engine.definition import Imports
from imports.files import DELIMITERS, MOST_COLUMNS, known_encoding
from imports.rows import ERROR, WARNING
from imports.values import DATE_FORMATS, DECIMAL_MARKS


def _known(encoding: str) -> None:
    if not known_encoding(encoding):
        raise ValidationError("This encoding is not known; utf-8 and windows-1252 are, for instance.")


class UploadIn(InSchema):
    """That all parts of the file have come."""

    parts = fields.Integer(strict=True, required=True, validate=[validate.Range(min=1, max=lifecycle.MOST_PARTS)])


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


class ImportErrorOut(OutSchema):
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


@dataclass(frozen=True, slots=True)
class ImportSchemas:
    """The schemas of one service's imports."""

    new: type[Schema]
    patch: type[Schema]
    out: type[Schema]
    error: type[Schema]


def import_schemas(name: str, imports: Imports, *, module: str, choices: Sequence[str]) -> ImportSchemas:
    """The schemas `<name>In`, `<name>Patch`, `<name>Out` and `<name>ErrorOut`, as those of `module`.

    `choices` are the fields whose texts can be translated.
    """
    targets = imports.targets
    noun = next(iter(targets.values())).noun if len(targets) == 1 else "record"
    keys = tuple(dict.fromkeys(key for target in targets.values() for key in target.match_by))
    names = tuple(dict.fromkeys(field for target in targets.values() for field in target.catalogue.by_name))

    def declare(suffix: str, base: type[Schema], doc: str, given: Mapping[str, Any], **options: Any) -> type[Schema]:
        members = {"__doc__": doc, "__module__": module, **given}
        return new_class(f"{name}{suffix}", (base,), options, lambda namespace: namespace.update(members))

    new = {
        "filename": Text(longest=255, shortest=1, required=True),
        "record_type": fields.String(
            load_default=next(iter(targets)),
            validate=[validate.OneOf(tuple(targets))],
            metadata={"description": "What the rows of the file are."},
        ),
        **_options(noun, keys, choices),
        "mode": _mode(noun, load_default=lifecycle.CREATE),
    }
    mapping = Entries(
        most=MOST_COLUMNS,
        keys=Text(longest=1000, shortest=1),
        values=fields.String(validate=[validate.OneOf(names)]),
        metadata={"description": f"The {noun}'s field for each column that is to be imported, by the column's name."},
    )
    several = {}
    if len(targets) > 1:
        several["record_type"] = fields.String(
            validate=[validate.OneOf(tuple(targets))],
            metadata={"description": "What the rows of the file are; the columns are proposed anew for it."},
        )
    patch_doc = "What to change before the import is started; `mapping` replaces the whole mapping."
    return ImportSchemas(
        new=declare("In", InSchema, "A new import; its file is sent afterwards, in parts.", new),
        patch=declare("Patch", InSchema, patch_doc, {**several, **_options(noun, keys, choices), "mapping": mapping}),
        out=declare(
            "Out", RecordSchema, "An import and how far it is.", _out(noun, keys, tuple(targets)), view=imports.view
        ),
        error=declare("ErrorOut", ImportErrorOut, str(ImportErrorOut.__doc__), {}),
    )


def _mode(noun: str, **options: Any) -> fields.String:
    return fields.String(
        validate=[validate.OneOf(lifecycle.MODES)],
        metadata={"description": f"Create {noun}s, update those that are there, or upsert: whichever it takes."},
        **options,
    )


def _options(noun: str, keys: Sequence[str], choices: Sequence[str]) -> dict[str, fields.Field[Any]]:
    """How the file is to be read and what is to be done with its rows."""
    return {
        "mode": _mode(noun),
        "match_by": fields.String(
            allow_none=True,
            validate=[validate.OneOf(keys)],
            metadata={"description": f"What a row's {noun} is found by, for update and upsert."},
        ),
        "all_or_nothing": fields.Boolean(
            metadata={"description": "One row that is refused refuses all; for files up to 50,000 rows."}
        ),
        "encoding": Text(longest=40, allow_none=True, validate=[_known]),
        "delimiter": fields.String(allow_none=True, validate=[validate.OneOf(DELIMITERS)]),
        "on_unknown": fields.String(
            validate=[validate.OneOf(lifecycle.ON_UNKNOWN)],
            metadata={
                "description": f"What is none of the values here ({', '.join(choices)}) refuses its row or is left "
                "empty. Proposed with the columns if it is not said."
            },
        ),
        "value_mapping": Entries(
            most=len(choices),
            keys=fields.String(validate=[validate.OneOf(choices)]),
            values=Entries(most=500, keys=Text(longest=255, shortest=1), values=Text(longest=255)),
            metadata={
                "description": "By field what a text in the file stands for; an empty text leaves the field empty."
            },
        ),
        "date_format": fields.String(
            allow_none=True,
            validate=[validate.OneOf(DATE_FORMATS)],
            metadata={"description": "Whether days or months come first in dates such as 03/04/2026."},
        ),
        "decimal_mark": fields.String(
            allow_none=True,
            validate=[validate.OneOf(DECIMAL_MARKS)],
            metadata={"description": "What stands before the cents in amounts."},
        ),
    }


def _out(noun: str, keys: Sequence[str], record_types: Sequence[str]) -> dict[str, fields.Field[Any]]:
    several = {}
    if len(record_types) > 1:
        several["proposed_record_type"] = fields.String(
            required=True,
            allow_none=True,
            validate=validate.OneOf(record_types),
            metadata={
                "description": "What the rows seem to be, whatever `record_type` says; null until the file has come."
            },
        )
    return several | {
        "record_type": fields.String(
            required=True,
            validate=validate.OneOf(record_types),
            metadata={"description": "What the rows of the file are."},
        ),
        "state": fields.String(required=True, validate=validate.OneOf(lifecycle.STATES)),
        "mode": fields.String(required=True, validate=validate.OneOf(lifecycle.MODES)),
        "match_by": fields.String(required=True, allow_none=True, validate=validate.OneOf(keys)),
        "columns": fields.List(
            fields.Nested(ColumnOut),
            required=True,
            metadata={"description": "The file's columns, each with what is in its first rows."},
        ),
        "mapping": fields.Dict(
            keys=fields.String(),
            values=fields.String(),
            required=True,
            metadata={"description": f"The {noun}'s field that a column goes into."},
        ),
        "profile": fields.String(
            required=True,
            allow_none=True,
            metadata={"description": "The system whose export the file seems to be; `own` is an export of this one."},
        ),
        "header_line": fields.Integer(
            required=True, validate=validate.Range(min=1), metadata={"description": "The line of the columns' names."}
        ),
        "on_unknown": fields.String(required=True, allow_none=True, validate=validate.OneOf(lifecycle.ON_UNKNOWN)),
        "value_mapping": fields.Dict(
            keys=fields.String(),
            values=fields.Dict(keys=fields.String(), values=fields.String()),
            required=True,
            metadata={"description": "By field what a text in the file stands for."},
        ),
        "date_format": fields.String(required=True, allow_none=True, validate=validate.OneOf(DATE_FORMATS)),
        "decimal_mark": fields.String(required=True, allow_none=True, validate=validate.OneOf(DECIMAL_MARKS)),
        "size": Count(metadata={"description": "Of the file, in bytes."}),
        "waiting_for": fields.String(
            required=True,
            allow_none=True,
            metadata={"description": "The service that does not answer; the import goes on by itself once it does."},
        ),
        "total_rows": fields.Integer(required=True, allow_none=True, validate=validate.Range(min=0)),
        "processed_rows": Count(
            metadata={"description": "The others were not looked at: the import is on its way or was stopped."}
        ),
        "created_rows": Count(metadata={"description": "Before the import was started: that would be created."}),
        "updated_rows": Count(),
        "unchanged_rows": Count(),
        "failed_rows": Count(),
        "duplicate_rows": Count(
            metadata={"description": "That are probably there already, and are created all the same."}
        ),
        "reverted_rows": Count(),
        "kept_rows": Count(
            metadata={"description": "That a revert left alone, because somebody has changed them since."}
        ),
    }
