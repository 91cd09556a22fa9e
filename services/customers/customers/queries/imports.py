"""Imports: what is known of them, their errors, their rows, and which of them the worker has to work on."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer, bindparam, func, select

from chassis.context import Context, acting_as, current
from chassis.db.json_view import JsonView
from chassis.db.kinds import INTEGER, TEXT, TIMESTAMP, choice_of
from chassis.db.listing import Listing, of_actor
from chassis.db.records import Records
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared, of_tenant
from chassis.db.waiting import WaitingRows
from customers.events import SOURCE
from customers.models import customer_imports as imports
from customers.models import import_chunks, import_errors, import_parts
from customers.rules.importing import STATES
from customers.views import CUSTOMER_IMPORT
from imports.rows import ERROR, WARNING

_OWN = of_actor(imports, ("created_by",))
RECORDS = Records(CUSTOMER_IMPORT, source=SOURCE, noun="customer import", own=_OWN)
IMPORTS = Listing(
    CUSTOMER_IMPORT,
    filters={"state": choice_of(*STATES), "created_by": INTEGER, "created_at": TIMESTAMP},
    sorts=("created_at",),
    own=_OWN,
)

ERRORS = Listing(
    JsonView(import_errors, ("id", "import_id", "line", "column_name", "code", "message", "value", "severity")),
    filters={"import_id": INTEGER, "code": TEXT, "severity": choice_of(ERROR, WARNING)},
    sorts=("line",),
    default_sort=(("line", False),),
)

WAITING = WaitingRows(imports, operation=True)


def _numbered(table: Any) -> tuple[Any, ...]:
    return (
        of_tenant(table),
        table.c.import_id == bindparam("of_import", type_=BigInteger),
        table.c.number == bindparam("number", type_=Integer),
    )


_PART = Prepared(select(import_parts.c.body).where(*_numbered(import_parts)))
_CHUNK = Prepared(select(import_chunks.c.rows, import_chunks.c.outcome).where(*_numbered(import_chunks)))
_CHECKED = Prepared(select(import_chunks.c.checked).where(*_numbered(import_chunks)))
_CHUNKS = Prepared(
    select(import_chunks.c.number, import_chunks.c.codes, import_chunks.c.outcome.is_not(None))
    .where(*_numbered(import_chunks)[:2])
    .order_by(import_chunks.c.number)
)
_PARTS = Prepared(
    select(func.count(), func.max(import_parts.c.number), func.sum(func.length(import_parts.c.body))).where(
        *_numbered(import_parts)[:2]
    )
)
# The length of a stored value is known without reading it.
_FILES = Prepared(
    select(func.coalesce(func.sum(func.octet_length(import_parts.c.body)), 0)).where(of_tenant(import_parts))
)
_ROWS_KEPT = Prepared(
    select(func.coalesce(func.sum(func.octet_length(import_chunks.c.rows)), 0)).where(of_tenant(import_chunks))
)
_FAULTS = Prepared(
    select(import_errors.c.line, import_errors.c.column_name, import_errors.c.message)
    .where(
        of_tenant(import_errors),
        import_errors.c.import_id == bindparam("of_import", type_=BigInteger),
        import_errors.c.chunk == bindparam("number", type_=Integer),
        import_errors.c.severity == ERROR,
    )
    .order_by(import_errors.c.line, import_errors.c.id)
)


def measure_parts(session: Session, import_id: int) -> tuple[int, int, int]:
    """How many parts have come, the highest number among them, and the bytes of all."""
    count, highest, size = session.fetch(_PARTS, of_import=import_id)[0]
    return count, highest or 0, int(size or 0)


def measure_files(session: Session) -> int:
    """The bytes of all files that the company has on their way in."""
    return int(session.fetch(_FILES)[0][0])


def measure_kept(session: Session) -> int:
    """The bytes of all files and rows that are kept of the company's imports, whatever became of them."""
    return measure_files(session) + int(session.fetch(_ROWS_KEPT)[0][0])


def get_part(session: Session, import_id: int, number: int) -> bytes | None:
    """A part of the file, counted from 1; None after the last."""
    row = session.fetch_one(_PART, of_import=import_id, number=number)
    return None if row is None else bytes(row[0])


def get_chunk(session: Session, import_id: int, number: int) -> tuple[list[tuple[int, list[str]]], Any] | None:
    """The rows of a chunk, each with its line, and what became of them; None after the last."""
    row = session.fetch_one(_CHUNK, of_import=import_id, number=number)
    if row is None:
        return None
    return orjson.loads(zlib.decompress(row[0])), None if row[1] is None else orjson.loads(zlib.decompress(row[1]))


def get_checked(session: Session, import_id: int, number: int) -> list[dict[str, Any]] | None:
    """The rows of a chunk as validation has read them; None where that is not kept (any more)."""
    row = session.fetch_one(_CHECKED, of_import=import_id, number=number)
    return None if row is None or row[0] is None else orjson.loads(zlib.decompress(row[0]))


@dataclass(frozen=True, slots=True)
class ChunkState:
    """A chunk that is there: which of the import's codes are its own, and whether it has been run."""

    number: int
    codes: range
    done: bool

    def after(self, first: int) -> range:
        """Its codes, where the import's first is this."""
        return range(first + self.codes.start, first + self.codes.stop)


def list_chunks(session: Session, import_id: int) -> list[ChunkState]:
    """All chunks of an import, in the order of the file; codes are counted from 0."""
    chunks, first = [], 0
    for number, codes, done in session.fetch(_CHUNKS, of_import=import_id):
        chunks.append(ChunkState(number, range(first, first + codes), done))
        first += codes
    return chunks


def get_columns(session: Session, import_id: int) -> list[str]:
    """The names of the file's columns. Raises NotFound."""
    known = RECORDS.get(session, import_id).document
    return [column["name"] for column in known["columns"]]


def failed_rows(database: Database, import_id: int) -> Iterator[tuple[Sequence[str], str]]:
    """Every row that has a fault, with its faults as one text; a chunk is held at a time."""
    # It goes on after the view has returned: its tenant is set again for every chunk.
    return _failed_rows(database, current(), import_id)


def _failed_rows(database: Database, context: Context, import_id: int) -> Iterator[tuple[Sequence[str], str]]:
    number = 0
    while True:
        with acting_as(context), database.session() as session:
            chunk = get_chunk(session, import_id, number)
            faults = session.fetch(_FAULTS, of_import=import_id, number=number)
        if chunk is None:
            return
        reasons: dict[int, list[str]] = {}
        for line, name, message in faults:
            reasons.setdefault(line, []).append(f"{name}: {message}" if name else message)
        for line, cells in chunk[0]:
            if line in reasons:
                yield cells, f"line {line}: {' '.join(reasons[line])}"
        number += 1
