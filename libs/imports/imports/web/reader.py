"""A row of a file as a record's values, checked by the very fields that check the body of a request."""

# ruff: noqa: ARG002  # Hooks that do nothing are there to be replaced where there is something to do.

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from marshmallow import ValidationError, fields

from chassis.web.schemas import LARGEST_ID, Tags, Text
from imports.cells import Cells
from imports.engine.jobs import Job
from imports.engine.lifecycle import CREATE, EMPTY, UPDATE
from imports.fields import Catalogue, word_of
from imports.headers import folded
from imports.rows import Fault, ReadRow
from imports.values import (
    addresses_in,
    is_spreadsheet_error,
    numbers_in,
    pages_in,
    parse_amount,
    parse_moment,
    records_in,
    says_nothing,
    tags_in,
)

LONGEST_ID = len(str(LARGEST_ID))
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
# Systems whose exports list the names of several records in a cell.
_LISTING = frozenset(("hubspot",))
_SPLITS = (("email", addresses_in), ("website", pages_in), ("phone", numbers_in))


class FieldReader:
    """Reads the rows of one import by the fields of a schema; a subclass says which, and what is peculiar to it.

    What names a member stays the e-mail address or the name that the file has; who that is only the database knows.
    """

    noun: ClassVar[str]
    catalogue: ClassVar[Catalogue]
    choices: ClassVar[Mapping[str, Sequence[str]]] = {}
    load_fields: ClassVar[Mapping[str, fields.Field[Any]]]
    # Ids; texts that keep their line breaks; fields that name members; what takes effect in new records alone.
    ids: ClassVar[Sequence[str]] = ("id",)
    of_lines: ClassVar[Sequence[str]] = ()
    members: ClassVar[Sequence[str]] = ()
    for_new: ClassVar[Sequence[str]] = ("created_at",)
    # What says to which record of another kind a row's belongs: a number, and names.
    parent_number: ClassVar[str] = ""
    parent_names: ClassVar[Sequence[str]] = ()
    # Where a second telephone number goes.
    second_phone: ClassVar[str | None] = None

    _words: ClassVar[Mapping[str, Mapping[str, str]]]
    _readers: ClassVar[Mapping[str, Callable[[str], Any]]]
    _of_one_line: ClassVar[frozenset[str]]

    def __init_subclass__(cls) -> None:
        """Make the short ways once for each kind of record."""
        cls._words = {field.name: field.words for field in cls.catalogue.fields if field.words}
        cls._readers = {name: _reader_of(field) for name, field in cls.load_fields.items()}
        cls._of_one_line = frozenset(
            name for name, field in cls.load_fields.items() if isinstance(field, Text) and name not in cls.of_lines
        )

    def __init__(
        self,
        columns: Sequence[str],
        mapping: Mapping[str, str],
        mode: str,
        match_by: str | None,
        *,
        options: Mapping[str, Any],
    ) -> None:
        self.cells = Cells(columns, mapping, self.catalogue)
        self._columns, self._mapping = columns, mapping
        self._width = len(columns)
        self._mode = mode
        self._match_by = None if mode == CREATE else match_by
        self._parents = [name for name in (self.parent_number, *self.parent_names) if name in mapping.values()]
        # Numbers in a list are one in any file; of names only some systems make lists.
        self._lists_names = options.get("profile") in _LISTING
        self._empties = options.get("on_unknown") == EMPTY
        self._translations = {
            field: {folded(text): value for text, value in values.items()}
            for field, values in (options.get("value_mapping") or {}).items()
        }
        mark, form = options.get("decimal_mark"), options.get("date_format")
        self._special: dict[str, Callable[[str], Any]] = {
            **dict.fromkeys(self.ids, _id),
            **dict.fromkeys(self.members, _member),
        }
        if isinstance(tags := self.load_fields.get("tags"), Tags):
            self._special["tags"] = lambda text: tags.read(tags_in(text))
        for name in self.catalogue.amounts:
            self._special[name] = self._amount_reader(name, mark)
        for name in self.catalogue.dates:
            self._special[name] = self._moment_reader(name, form)
        self.set_up()

    def set_up(self) -> None:
        """What a kind of record prepares for a file besides; nothing by itself."""

    @classmethod
    def of(cls, job: Job) -> Self:
        """The reader of an import that is worked on."""
        return cls(job.columns, job.mapping, job.mode, job.match_by, options=job.options)

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
            for name in self.for_new:
                texts.pop(name, None)
        self._spread(row, texts)
        for field, text in texts.items():
            self.take(row, field, text)
        if self._match_by is not None and not row.faults and not self.is_found(row, self._match_by):
            detail = f"The row does not say which {self.noun} it is about."
            row.faults.append(Fault(line, self._match_by, "required", detail))
        if self._mode != UPDATE:
            self.complete(row)
        return row

    def complete(self, row: ReadRow) -> None:
        """Give a row of a new record what follows from its other values, as `new_values`."""

    def is_found(self, row: ReadRow, match_by: str) -> bool:
        """Whether a row says what its record is found by."""
        return match_by in row.values

    def take_first(self, row: ReadRow, field: str, text: str) -> bool:
        """Take a text in a way that is peculiar to this kind of record; False leaves it to its field."""
        return False

    def moment(self, name: str, text: str, form: str | None) -> Any:
        """What a text of a field of dates says. Raises ValueError."""
        moment = parse_moment(text, form)
        if not _EARLIEST <= moment <= datetime.now(UTC):
            raise ValueError(f"A {self.noun} was created in the past, after 1900.")
        return moment.isoformat()

    @property
    def mode(self) -> str:
        return self._mode

    @property
    def match_by(self) -> str | None:
        """What rows are found by; None where all are new."""
        return self._match_by

    def _spread(self, row: ReadRow, texts: dict[str, str]) -> None:
        """Of several addresses and numbers in a row the first counts, a second number too; the others are told."""
        if any(";" in texts.get(field, "") for field in self._parents):
            self._take_first_parent(row, texts)
        second = self.second_phone
        for field, split in _SPLITS:
            if field in texts and (found := split(texts[field])) != [texts[field]]:
                texts.pop(field)
                if found:
                    texts[field] = found[0]
                if field == "phone" and second is not None and second not in texts and len(found) > 1:
                    texts[second] = found.pop(1)
                self._tell_rest(row, field, found[1:])
        if second in texts and len(found := numbers_in(texts[second])) > 1:
            texts[second] = found[0]
            self._tell_rest(row, second, found[1:])

    def _take_first_parent(self, row: ReadRow, texts: dict[str, str]) -> None:
        """Of several records that a row belongs to the first; systems list the primary one first."""
        numbers = records_in(texts.get(self.parent_number, ""))
        for field in self._parents:
            found = records_in(texts.get(field, ""))
            is_list = len(found) == len(numbers) if len(numbers) > 1 else self._lists_names
            if len(found) > 1 and is_list:
                texts[field] = found[0]
                row.warn(field, "left_over", f"A {self.noun} belongs to one of these, the first.", "; ".join(found[1:]))

    def _tell_rest(self, row: ReadRow, field: str, rest: Sequence[str]) -> None:
        if rest:
            row.warn(field, "left_over", f"A {self.noun} has no place for more of these.", ", ".join(rest))

    def take(self, row: ReadRow, field: str, text: str) -> None:
        """Put a text into a row, or what is wrong with it."""
        given = text
        if field in self._translations and (key := folded(text)) in self._translations[field]:
            text = self._translations[field][key]
            if not text:
                return
        if text[:1] == "#" and is_spreadsheet_error(text):
            row.warn(field, "left_empty", "A spreadsheet has an error in place of this value.", given)
            return
        if self.take_first(row, field, text):
            return
        try:
            row.values[field] = self._read(field, text)
        except (ValidationError, ValueError) as error:
            message = _sentence(error)
            if field in self._words and self._empties:
                row.warn(field, "left_empty", message, given)
            elif not says_nothing(text):
                kept = row.late if field in self.for_new else row.faults
                kept.append(Fault(row.line, field, "invalid_value", message, given))

    def _read(self, field: str, text: str) -> Any:
        if field in self._words:
            value = word_of(self._words[field], text)
            if value is None:
                raise ValueError(f"This is none of {', '.join(self.choices[field])}.")
            return value
        special = self._special.get(field)
        if special is not None:
            return special(text)
        # Cells have line breaks where texts of one line have none.
        if field in self._of_one_line and not text.isprintable():
            text = " ".join(text.split())
        return self._readers[field](text)

    def _moment_reader(self, name: str, form: str | None) -> Callable[[str], Any]:
        return lambda text: self.moment(name, text, form)

    def _amount_reader(self, name: str, mark: str | None) -> Callable[[str], Any]:
        read = self.load_fields[name].deserialize

        def amount(text: str) -> Any:
            number = parse_amount(text, mark)
            try:
                return read(number)
            except ValidationError:
                # What the field says is meant for who writes JSON.
                raise ValueError(f"{number} is below zero, has more than two decimals, or is too large.") from None

        return amount


def _reader_of(field: fields.Field[Any]) -> Callable[[str], Any]:
    """The field's own check, by its short way where it has one: a file has millions of cells."""
    own = type(field)
    if isinstance(field, Text) and own.deserialize is Text.deserialize and own._deserialize is Text._deserialize:  # noqa: SLF001
        return field.read
    return field.deserialize


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


def _member(text: str) -> int | str:
    if text.isascii() and text.isdigit():
        return _id(text)
    return " ".join(text.split())
