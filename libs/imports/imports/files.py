"""CSV files as they come: which encoding, which delimiter, and their rows with the lines that they stand on. Pure."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, TextIO

import chardet

from chassis.spreadsheets import original
from imports.endings import is_sentence, is_sum
from imports.mojibake import TWICE, is_twice
from people.texts import trimmed

DELIMITERS = (",", ";", "\t", "|")
MOST_COLUMNS = 200
LONGEST_CELL = 128 * 1024
LONGEST_NAME = 255
# In characters. A row is held as a whole, and a file may be one line of half a gigabyte.
LONGEST_ROW = 1_000_000
SAMPLES = 3
LONGEST_SAMPLE = 100
# Finding out takes time that rises with the square of this.
_SNIFFED = 4_000
_DETECTED = 64 * 1024
# A text without zero bytes that is valid UTF-8 is UTF-8: in other encodings that hardly ever happens by chance.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# What is sent in a CSV file's place, by how it begins.
_OTHER_FILES = (
    (b"PK\x03\x04", "a workbook (.xlsx, .ods) or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "a workbook (.xls)"),
    (b"%PDF-", "a PDF"),
    (b"\x1f\x8b", "compressed with gzip"),
)

WESTERN = "windows-1252"
MACINTOSH = "macroman"
# A short text could be in many; what hardly anybody writes is not believed, and the commonest wins where it is close.
_COMMON = frozenset(
    f"{WESTERN} windows-1250 windows-1251 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 iso-8859-2 "
    "iso-8859-5 iso-8859-7 iso-8859-9 koi8-r macroman cp866 cp874 shift_jis cp932 euc-jp gb18030 big5 cp949 euc-kr "
    "utf-16-le utf-16-be utf-32-le utf-32-be".split()
)
_NEARLY = 0.75
_OTHERS = (
    "ascii utf-8 utf-8-sig utf-16 utf-32 cp437 cp850 cp852 cp855 cp857 cp858 cp862 cp864 cp1258 koi8-u gbk gb2312 hz "
    "euc-jis-2004 iso2022-jp johab big5hkscs tis-620 maclatin2 maccyrillic macgreek iso-8859-1 iso-8859-3 iso-8859-4 "
    "iso-8859-6 iso-8859-8 iso-8859-10 iso-8859-11 iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16"
)
_ENCODINGS = frozenset(codecs.lookup(name).name for name in (*_COMMON, *_OTHERS.split(), TWICE))
# What Excel reads of a file before its rows.
_SAID_DELIMITER = re.compile(r"\ufeff?sep=([,;\t|])[,;\t|]*\s*?(?:\r\n|\r|\n|\Z)", re.IGNORECASE)
# Rows above the names of the columns, such as the title of a list, and rows that are looked at for a proposal.
_TITLES = 12
LOOKED_AT = 200
_LEAST_COLUMNS_WITH_NOTES = 3
_MOST_AT_THE_END = 20
_LINE_END = re.compile("\r\n|\r|\n")
# What goes on for longer than this without a delimiter says nothing of it, and is tried against patterns of addresses
# and numbers whose time rises with the square of its length.
_LONG_RUN = re.compile('([^,;\t|"\r\n]{100})[^,;\t|"\r\n]+')

csv.field_size_limit(LONGEST_CELL)


@dataclass
class MalformedFile(Exception):
    """The file cannot be read as it is; `line` is where, 0 where it is the file as a whole."""

    code: str
    detail: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.detail} (line {self.line})" if self.line else self.detail


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file: the lines that it begins and ends on, as an editor counts them, and its cells.

    `marked` is a row with a byte order mark before it, as where files begin that were put together.
    """

    line: int
    cells: Sequence[str]
    last: int
    marked: bool = False


def known_encoding(name: str) -> bool:
    """Whether files in this encoding are read: those that people's programs write, under any of their names."""
    try:
        return codecs.lookup(name).name in _ENCODINGS
    except LookupError:
        return False


def detect_encoding(sample: bytes) -> str:
    """The encoding that the beginning of a file is most probably in."""
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            twice = encoding == "utf-8-sig" and is_twice(
                codecs.getincrementaldecoder(encoding)("ignore").decode(sample)
            )
            return TWICE if twice else encoding
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(sample)
        if b"\x00" not in sample:
            return TWICE if is_twice(text) else "utf-8"
    except UnicodeDecodeError:
        pass
    found = [
        (str(guess["encoding"]).lower(), guess["confidence"])
        for guess in chardet.detect_all(sample[:_DETECTED])
        if str(guess["encoding"]).lower() in _COMMON
    ]
    if not found:
        return WESTERN
    best, confidence = found[0]
    if best in (WESTERN, MACINTOSH) and MACINTOSH in dict(found) and b"\r" in sample and b"\n" not in sample:
        return MACINTOSH  # No other system ends lines so.
    return WESTERN if dict(found).get(WESTERN, 0.0) >= _NEARLY * confidence else best


def detect_delimiter(text: str) -> str:
    """The delimiter in the names of the columns; of several the one that makes the most regular table.

    A first line such as `sep=;` says it.
    """
    if said := _SAID_DELIMITER.match(text):
        return said[1]
    lines = text.lstrip().splitlines()[:_TITLES]
    divided = next((line for line in lines if any(delimiter in line for delimiter in DELIMITERS)), "")
    found = [delimiter for delimiter in DELIMITERS if delimiter in divided]
    if len(found) < 2:  # noqa: PLR2004  # One is no choice.
        return found[0] if found else ","
    import clevercsv  # noqa: PLC0415  # It is slow to load, and few files need it.

    try:
        dialect = clevercsv.Detector().detect(_LONG_RUN.sub(r"\1", text[:_SNIFFED]), delimiters=found)
    except clevercsv.exceptions.Error:  # Such as a NUL.
        return found[0]
    return dialect.delimiter if dialect is not None and dialect.delimiter in found else found[0]


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a file begins: its delimiter, the line of its columns' names, these names, and some of the rows below."""

    delimiter: str
    line: int
    names: list[str]
    rows: list[Sequence[str]]

    def samples(self, index: int, most: int = LOOKED_AT) -> list[str]:
        """What is in a column, in the first rows."""
        return [row[index] if index < len(row) else "" for row in self.rows[:most]]

    def shown(self, index: int) -> list[str]:
        """A few values of a column, to look at."""
        return [_shown(row[index]) for row in self.rows[:SAMPLES] if index < len(row)]


def read_header(
    sample: bytes,
    encoding: str,
    delimiter: str | None,
    *,
    whole: bool,
    is_header: Callable[[str], bool] = lambda _: False,
) -> Beginning:
    """How a file begins. `whole` says that there is no more of it; `is_header` whether a text names a column.

    Raises MalformedFile.
    """
    for beginning, kind in _OTHER_FILES:
        if sample.startswith(beginning):
            raise MalformedFile("not_csv", f"The file is {kind}; save it as CSV and send that.")
    try:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(sample, final=whole)
    except UnicodeError:
        raise _unmarked(encoding) from None
    delimiter = delimiter or detect_delimiter(text)
    rows: list[Row] = []
    try:
        for row in _table(io.StringIO(text, newline=""), delimiter):
            rows.append(row)
            if len(rows) > LOOKED_AT + _TITLES:
                break
    except MalformedFile:
        # The end of the sample may cut a quoted cell in two; where the file has the fault, its validation says so.
        if not rows:
            raise
    if not rows:
        raise MalformedFile("empty_file", "The file is empty.")
    at = _header_among(rows, is_header)
    names = column_names(rows[at].cells)
    return Beginning(delimiter, rows[at].line, names, [row.cells for row in rows[at + 1 :]])


def _header_among(rows: Sequence[Row], is_header: Callable[[str], bool]) -> int:
    """Which row has the names of the columns: the first, but for titles, whose texts name no column.

    Of titles with several texts it is told only where a row below has names of columns.
    """
    first = None
    for at, row in enumerate(rows[:_TITLES]):
        given = [cell for cell in row.cells if cell.strip()]
        known = sum(map(is_header, given))
        if first is None and (len(given) > 1 or known):
            if known:
                return at
            first = at
        elif first is not None and known > 1 and 2 * known > len(given):
            return at
    return first or 0


def _shown(cell: str) -> str:
    """A cell to look at: what is too long for that ends in an ellipsis."""
    cell = cell.replace("\x00", "\ufffd")
    return cell if len(cell) <= LONGEST_SAMPLE else f"{cell[:LONGEST_SAMPLE]}…"


def column_names(header: Sequence[str]) -> list[str]:
    """The columns' names, each different from the others. Raises MalformedFile for no names or too many."""
    if len(header) > MOST_COLUMNS:
        raise MalformedFile(
            "too_many_columns", f"The file has {len(header)} columns; up to {MOST_COLUMNS} are read.", 1
        )
    if any(len(name) > LONGEST_NAME or "\x00" in name for name in header):
        detail = f"A column's name has over {LONGEST_NAME} characters, or a NUL; is there a quotation mark left open?"
        raise MalformedFile("column_name", detail, 1)
    names: dict[str, None] = {}
    for index, given in enumerate(header, start=1):
        name = original(trimmed(given)) or f"Column {index}"
        unique, number = name, 2
        while unique in names:
            unique, number = f"{name} ({number})", number + 1
        names[unique] = None
    return list(names)


def read_rows(
    source: "io.BufferedReader[Any] | io.BytesIO", encoding: str, delimiter: str, header: int = 1
) -> Iterator[Row]:
    """Every row that is not blank, the header first, which stands on the line `header` or after it.

    Lines below a blank one that have no delimiter are notes, such as reports end with, and no rows of a wider table.
    So are a sum at the end, and sentences below a blank line there.
    The header of a further file, which somebody has put behind the first, is no row either.
    Raises MalformedFile where the file is not as it is said to be.
    """
    lines = io.TextIOWrapper(source, encoding=encoding, newline="")
    line = width = 0
    noted = False
    names: Sequence[str] = ()
    # Where nothing comes after them.
    ending: list[Row] = []
    try:
        for row in _table(lines, delimiter):
            if row.line < header:
                continue
            below_blank = row.line > line + 1 > 1
            noted = len(row.cells) == 1 and width >= _LEAST_COLUMNS_WITH_NOTES and (noted or below_blank)
            at_end = is_sum(row.cells) or (is_sentence(row.cells) and (bool(ending) or below_blank))
            if names and not noted and at_end and len(ending) < _MOST_AT_THE_END:
                ending.append(row)
            elif not noted and not (row.marked and row.cells == names):
                yield from ending
                ending.clear()
                yield row
            line, width = row.last, width or len(row.cells)
            names = names or row.cells
    except UnicodeDecodeError as error:
        # Whole lines before the piece that could not be decoded have been read; the others are in it.
        before = error.object[: error.start].decode(encoding, "ignore")
        line += 1 + len(_LINE_END.findall(before))
        detail = f"There is something that is not in the encoding {encoding}; say which one the file is in."
        raise MalformedFile("wrong_encoding", detail, line) from None
    except UnicodeError:
        raise _unmarked(encoding) from None
    finally:
        lines.detach()


def _unmarked(encoding: str) -> MalformedFile:
    """UTF-16 and UTF-32 say in a mark at the beginning which byte comes first; the other forms of them need none."""
    detail = (
        f"The file does not begin with the byte order mark of {encoding}; say {encoding}-le, {encoding}-be or another."
    )
    return MalformedFile("wrong_encoding", detail)


def _is_said_delimiter(cells: Sequence[str]) -> bool:
    """Whether this is the line that says `sep=;`, which the delimiter itself has cut."""
    return cells[0].strip("\ufeff ").lower() in ("sep=", *(f"sep={sign}" for sign in DELIMITERS)) and not any(cells[1:])


class _Lines:
    """The lines of a file for the reader of CSV, which takes more of them for as long as a row goes on."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._left = LONGEST_ROW
        self.ended = self.marked = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._source.readline(self._left + 1)
        if self._left == LONGEST_ROW and line[:1] == "\ufeff":
            line, self.marked = line.lstrip("\ufeff"), True
        if not line:
            self.ended = True
            raise StopIteration
        self._left -= len(line)
        if self._left < 0:
            raise csv.Error(f"it has over {LONGEST_ROW} characters")
        return line

    def begin_row(self) -> None:
        """What comes now is another row's."""
        self._left = LONGEST_ROW
        self.marked = False


def _table(source: TextIO, delimiter: str) -> Iterator[Row]:
    lines = _Lines(source)
    reader = csv.reader(lines, delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            if lines.ended:  # The reader wanted more of this row: rows may be in it that nobody would miss.
                detail = "A quotation mark in the row that begins there is never closed."
                raise MalformedFile("malformed_csv", detail, line)
            marked = lines.marked
            lines.begin_row()
            if any(map(str.strip, cells)) and not (line == 1 and _is_said_delimiter(cells)):
                yield Row(line, cells, reader.line_num, marked)
            line = reader.line_num + 1
    except csv.Error as error:
        detail = f"The row that begins there cannot be read ({error}); is a quotation mark left open?"
        raise MalformedFile("malformed_csv", detail, line) from None


class Parts(io.RawIOBase):
    """The parts of a file as one stream of bytes; one part is held at a time."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end."""
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = memoryview(part)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken
