"""A row of a file as a customer's values, checked by the very fields that check the body of a request."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from marshmallow import ValidationError, fields, validate

from chassis.web.schemas import LARGEST_ID, NotBlank, Text
from customers import rules
from customers.rules.import_fields import CATALOGUE, CHOICES_OF
from customers.rules.importing import CREATE, EMPTY, UPDATE
from customers.schemas.customers import CustomerIn
from imports.cells import Cells
from imports.fields import word_of
from imports.headers import folded
from imports.rows import Fault, ReadRow
from imports.values import addresses_in, numbers_in, pages_in, parse_amount, parse_moment, says_nothing, tags_in

_FIELDS: Mapping[str, fields.Field[Any]] = CustomerIn().load_fields


def _reader_of(field: fields.Field[Any]) -> Callable[[str], Any]:
    """The field's own check, with a short way for what it lets through: a file has millions of cells.

    Only a plain text whose length is all that is checked has one; whatever it stops the field judges.
    """
    lengths = [check for check in field.validators if isinstance(check, validate.Length)]
    blanks = [check for check in field.validators if isinstance(check, NotBlank)]
    if type(field) is not Text or len(lengths) + len(blanks) != len(field.validators):
        return field.deserialize
    longest = min((check.max for check in lengths if check.max is not None), default=0)

    def read(text: str) -> Any:
        return text if len(text) <= longest and text.isascii() and text.isprintable() else field.deserialize(text)

    return read


_READERS = {name: _reader_of(field) for name, field in _FIELDS.items()}
_WORDS = {field.name: field.words for field in CATALOGUE.fields if field.words}
# What the service keeps a list of, or knows some words of: what it does not know may be left empty.
CHOICES = (*_WORDS, "industry", "assigned_to", "source")
_OF_ONE_LINE = frozenset(
    name for name, field in _FIELDS.items() if isinstance(field, Text) and name not in ("address", "notes")
)
# What takes effect in new customers alone.
_FOR_NEW = ("created_at",)
LONGEST_ID = len(str(LARGEST_ID))
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


class RowReader:
    """Reads the rows of one import.

    `assigned_to` stays the e-mail address or the name where the file has one; who that is only the database knows. A
    row that is to be found by its code may have one that the service gave out.
    """

    def __init__(
        self,
        columns: Sequence[str],
        mapping: Mapping[str, str],
        mode: str,
        match_by: str | None,
        *,
        options: Mapping[str, Any],
    ) -> None:
        self.cells = Cells(columns, mapping, CATALOGUE)
        self._width = len(columns)
        self._mode = mode
        self._match_by = None if mode == CREATE else match_by
        self._empties = options.get("on_unknown") == EMPTY
        self._translations = {
            field: {folded(text): value for text, value in values.items()}
            for field, values in (options.get("value_mapping") or {}).items()
        }
        self._special: dict[str, Callable[[str], Any]] = {
            "id": _id,
            "assigned_to": _assignee,
            "tags": lambda text: _FIELDS["tags"].deserialize(tags_in(text)),
            "credit_limit": partial(_amount, options.get("decimal_mark")),
            "created_at": partial(_moment, options.get("date_format")),
        }

    def __call__(self, line: int, cells: Sequence[str]) -> ReadRow:
        row = ReadRow(line, {})
        if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
            further = next(cell for cell in cells[self._width :] if cell.strip())
            detail = f"The row has {len(cells)} cells and the header {self._width}; is a delimiter not in quotes?"
            row.faults.append(Fault(line, None, "too_many_cells", detail, further))
            return row
        texts = self.cells(cells)
        if self._mode == CREATE:
            texts.pop("id", None)
        elif self._mode == UPDATE:
            texts.pop("created_at", None)
        self._spread(row, texts)
        for field, text in texts.items():
            self._take(row, field, text)
        if self._match_by is not None and self._match_by not in row.values and not row.faults:
            detail = "The row does not say which customer it is about."
            row.faults.append(Fault(line, self._match_by, "required", detail))
        if "name" not in row.values and self._mode != UPDATE:
            self._name(row)
        return row

    def _spread(self, row: ReadRow, texts: dict[str, str]) -> None:
        """Of several addresses and numbers in a row the first counts, a second number too; the others are told."""
        for field, split in (("email", addresses_in), ("website", pages_in), ("phone", numbers_in)):
            if field in texts and (found := split(texts[field])) != [texts[field]]:
                texts.pop(field)
                if found:
                    texts[field] = found[0]
                if field == "phone" and "secondary_phone" not in texts and len(found) > 1:
                    texts["secondary_phone"] = found.pop(1)
                self._tell_rest(row, field, found[1:])
        if "secondary_phone" in texts and len(found := numbers_in(texts["secondary_phone"])) > 1:
            texts["secondary_phone"] = found[0]
            self._tell_rest(row, "secondary_phone", found[1:])

    @staticmethod
    def _tell_rest(row: ReadRow, field: str, rest: Sequence[str]) -> None:
        if rest:
            row.warn(field, "left_over", "A customer has no place for more of these.", ", ".join(rest))

    def _take(self, row: ReadRow, field: str, text: str) -> None:
        given = text
        if field in self._translations and (key := folded(text)) in self._translations[field]:
            text = self._translations[field][key]
            if not text:
                return
        if field == "customer_code" and rules.GENERATED_CODE.match(text):
            if self._match_by is None and self._mode == CREATE:
                detail = "Codes of this form are given out by the service; the customer gets one of its own."
                row.warn(field, "code_left_aside", detail, text)
            else:
                row.values[field] = text
            return
        try:
            row.values[field] = self._read(field, text)
        except (ValidationError, ValueError) as error:
            message = _sentence(error)
            if field in _WORDS and self._empties:
                row.warn(field, "left_empty", message, given)
            elif not says_nothing(text):
                kept = row.late if field in _FOR_NEW else row.faults
                kept.append(Fault(row.line, field, "invalid_value", message, given))

    def _read(self, field: str, text: str) -> Any:
        if field in _WORDS:
            value = word_of(_WORDS[field], text)
            if value is None:
                raise ValueError(f"This is none of {', '.join(CHOICES_OF[field])}.")
            return value
        special = self._special.get(field)
        if special is not None:
            return special(text)
        # Cells have line breaks where texts of one line have none.
        return _READERS[field](" ".join(text.split()) if field in _OF_ONE_LINE and not text.isprintable() else text)

    @staticmethod
    def _name(row: ReadRow) -> None:
        """The company, else the address, is the name of a new customer whose row has none."""
        name = row.values.get("company_name") or row.values.get("email")
        if name is not None and not any(fault.field == "name" for fault in row.faults):
            row.new_values = {"name": name}


def _sentence(error: ValidationError | ValueError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(dict.fromkeys(_sentences(error.messages)))
    return str(error)


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
    if text.isascii() and text.isdigit():
        return _id(text)
    return " ".join(text.split())


def _amount(mark: str | None, text: str) -> Any:
    return _FIELDS["credit_limit"].deserialize(parse_amount(text, mark))


def _moment(form: str | None, text: str) -> str:
    moment = parse_moment(text, form)
    if not _EARLIEST <= moment <= datetime.now(UTC):
        raise ValueError("A customer was created in the past, after 1900.")
    return moment.isoformat()
