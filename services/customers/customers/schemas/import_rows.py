"""A row of a file as a customer's values, checked by the very fields that check the body of a request."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from chassis.spreadsheets import original
from chassis.web.schemas import LARGEST_ID, NotBlank, Text
from customers import rules
from customers.rules.import_mapping import Cells
from customers.rules.importing import CREATE
from customers.schemas.customers import CustomerIn

_FIELDS: Mapping[str, fields.Field[Any]] = CustomerIn().load_fields


def _reader_of(field: fields.Field[Any]) -> Callable[[str], Any]:
    """The field's own check, with a short way for what it lets through: a file has millions of cells.

    Only a plain text whose length and words are all that is checked has one; whatever it stops the field judges, and
    every blank text.
    """
    lengths = [check for check in field.validators if isinstance(check, validate.Length)]
    words = [check for check in field.validators if isinstance(check, validate.OneOf)]
    blanks = [check for check in field.validators if isinstance(check, NotBlank)]
    plain = len(lengths) + len(words) + len(blanks) == len(field.validators)
    if type(field) not in (Text, fields.String) or not plain:
        return field.deserialize
    longest = min((check.max for check in lengths if check.max is not None), default=0)
    shortest = max((check.min for check in lengths if check.min is not None), default=0)
    choices = frozenset(choice for check in words for choice in check.choices)

    def read(text: str) -> Any:
        fits = shortest <= len(text) <= longest and "\x00" not in text and not text.isspace()
        if text in choices or (fits and not words):
            return text
        return field.deserialize(text)

    return read


_READERS = {name: _reader_of(field) for name, field in _FIELDS.items()}
LONGEST_ID = len(str(LARGEST_ID))
# What is typed in any case, and is one of a few words.
_WORDS = ("customer_type", "status", "priority")
_AMOUNT_SIGNS = re.compile(r"[\s'\u2019]")


class RowReader:
    """Reads the rows of one import: a call answers the values of a row and its faults as (field, code, message, text).

    `assigned_to` stays the e-mail address where the file names one; who that is only the database knows. A row that is
    to be found by its code may have one that the service gave out.
    """

    def __init__(self, columns: Sequence[str], mapping: Mapping[str, str], mode: str, match_by: str | None) -> None:
        self.cells = Cells(columns, mapping)
        self._width = len(columns)
        self._creates = mode == CREATE
        self._match_by = None if self._creates else match_by

    def __call__(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[tuple[str | None, str, str, str | None]]]:
        if len(cells) > self._width:
            detail = f"The row has {len(cells)} cells and the header {self._width}; is a delimiter not in quotes?"
            return {}, [(None, "too_many_cells", detail, cells[self._width])]
        values: dict[str, Any] = {}
        faults: list[tuple[str | None, str, str, str | None]] = []
        for field, text in self.cells(cells).items():
            given = original(text)
            try:
                values[field] = self._read(field, given)
            except (ValidationError, ValueError) as error:
                message = (
                    "; ".join(dict.fromkeys(_sentences(error.messages)))
                    if isinstance(error, ValidationError)
                    else str(error)
                )
                faults.append((field, "invalid_value", message, given))
        if self._match_by is not None and self._match_by not in values and not faults:
            faults.append((self._match_by, "required", "The row does not say which customer it is about.", None))
        return values, faults

    def _read(self, field: str, text: str) -> Any:
        if field == "customer_code" and not self._creates and rules.GENERATED_CODE.match(text):
            return text
        special = _SPECIAL.get(field)
        if special is not None:
            return special(text)
        return _READERS[field](text.lower() if field in _WORDS else text)


def _sentences(messages: Any) -> Iterator[str]:
    """What a field says, in whatever way: those of lists tell of each item by itself."""
    if isinstance(messages, str):
        yield messages
    else:
        for message in messages.values() if isinstance(messages, dict) else messages:
            yield from _sentences(message)


def _id(text: str) -> int:
    # Python turns no more than 4300 digits into a number, and says so in words for programmers.
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID and 1 <= int(text) <= LARGEST_ID):
        raise ValueError("A positive whole number is wanted.")
    return int(text)


def _assignee(text: str) -> int | str:
    return text.lower() if "@" in text else _id(text)


def _tags(text: str) -> Any:
    tags = dict.fromkeys(part for tag in re.split("[;,]", text) if (part := tag.strip()))
    return _FIELDS["tags"].deserialize(list(tags))


def _amount(text: str) -> Any:
    return _FIELDS["credit_limit"].deserialize(_AMOUNT_SIGNS.sub("", text))


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("A date is wanted as 2026-05-31 or with its time as 2026-05-31T14:30:00+02:00.") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if not datetime(1900, 1, 1, tzinfo=UTC) <= moment <= datetime.now(UTC):
        raise ValueError("A customer was created in the past, after 1900.")
    return moment.isoformat()


_SPECIAL: Mapping[str, Callable[[str], Any]] = {
    "id": _id,
    "assigned_to": _assignee,
    "tags": _tags,
    "credit_limit": _amount,
    "created_at": _moment,
}
