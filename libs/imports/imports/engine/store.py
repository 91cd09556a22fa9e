"""What is kept of an import's file: its parts, its rows, what later rows could meet, and what was wrong."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Integer,
    LargeBinary,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import Context, acting_as, current
from chassis.db.bulk import json_rows
from chassis.db.session import Database, Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from imports.engine.tables import ImportTables
from imports.rows import ERROR

LIKELY = "possible_duplicate"
_ERROR = ("line", "column_name", "code", "message", "value", "severity")
_IMPORT = bindparam("of_import", type_=BigInteger)
_NUMBER = bindparam("number", type_=Integer)


@dataclass(frozen=True, slots=True)
class ChunkState:
    """A chunk that is there: which of the import's numbers are its own, and whether it has been run."""

    number: int
    codes: range
    done: bool

    def after(self, first: int) -> range:
        """Its numbers, where the import's first is this."""
        return range(first + self.codes.start, first + self.codes.stop)


class Parts:
    """Files as they came, in parts counted from 1."""

    def __init__(self, tables: ImportTables) -> None:
        parts = tables.parts
        of_import = (of_tenant(parts), parts.c.import_id == _IMPORT)
        put = upsert(parts).values(
            company_id=TENANT, import_id=_IMPORT, number=_NUMBER, body=bindparam("body", type_=LargeBinary)
        )
        self._put = Prepared(
            put.on_conflict_do_update(
                index_elements=["company_id", "import_id", "number"], set_={"body": put.excluded.body}
            )
        )
        self._forget = Prepared(delete(parts).where(*of_import))
        self._get = Prepared(select(parts.c.body).where(*of_import, parts.c.number == _NUMBER))
        self._measure = Prepared(
            select(func.count(), func.max(parts.c.number), func.sum(func.length(parts.c.body))).where(*of_import)
        )
        # The length of a stored value is known without reading it.
        self._all = Prepared(
            select(func.coalesce(func.sum(func.octet_length(parts.c.body)), 0)).where(of_tenant(parts))
        )

    def put(self, session: Session, import_id: int, number: int, body: bytes) -> None:
        """Keep a part; the same part again takes the place of the first."""
        session.run(self._put, of_import=import_id, number=number, body=body)

    def get(self, session: Session, import_id: int, number: int) -> bytes | None:
        """A part of the file; None after the last."""
        row = session.fetch_one(self._get, of_import=import_id, number=number)
        return None if row is None else bytes(row[0])

    def measure(self, session: Session, import_id: int) -> tuple[int, int, int]:
        """How many parts have come, the highest number among them, and the bytes of all."""
        count, highest, size = session.fetch(self._measure, of_import=import_id)[0]
        return count, highest or 0, int(size or 0)

    def measure_all(self, session: Session) -> int:
        """The bytes of all files that the company has on their way in."""
        return int(session.fetch(self._all)[0][0])

    def forget(self, session: Session, import_id: int) -> None:
        """Delete the file as it came; its rows stay for the error file and a revert."""
        session.run(self._forget, of_import=import_id)


class Chunks:
    """The rows of files, so many to a transaction, counted from 0, and what became of them."""

    def __init__(self, tables: ImportTables) -> None:
        chunks = tables.chunks
        of_import = (of_tenant(chunks), chunks.c.import_id == _IMPORT)
        this = (*of_import, chunks.c.number == _NUMBER)
        self._forget = Prepared(delete(chunks).where(*of_import))
        self._add = Prepared(
            insert(chunks).values(
                company_id=TENANT,
                import_id=_IMPORT,
                number=_NUMBER,
                size=bindparam("size", type_=Integer),
                rows=bindparam("rows", type_=LargeBinary),
            )
        )
        self._get = Prepared(select(chunks.c.rows, chunks.c.outcome).where(*this))
        self._checked = Prepared(select(chunks.c.checked).where(*this))
        self._list = Prepared(
            select(chunks.c.number, chunks.c.codes, chunks.c.outcome.is_not(None))
            .where(*of_import)
            .order_by(chunks.c.number)
        )
        self._all = Prepared(
            select(func.coalesce(func.sum(func.octet_length(chunks.c.rows)), 0)).where(of_tenant(chunks))
        )
        self._claim = Prepared(select(chunks.c.size).where(*this, chunks.c.outcome.is_(None)).with_for_update())
        self._keep_outcome = Prepared(
            update(chunks).values(outcome=bindparam("kept", type_=LargeBinary), checked=null()).where(*this)
        )
        self._keep_validated = Prepared(
            update(chunks)
            .values(
                codes=bindparam("drawn", type_=Integer),
                checked=bindparam("rows_checked", type_=LargeBinary),
            )
            .where(*this)
        )

    def forget(self, session: Session, import_id: int) -> None:
        """Delete all chunks of an import."""
        session.run(self._forget, of_import=import_id)

    def add(self, session: Session, import_id: int, number: int, size: int, rows: bytes) -> None:
        """Keep rows, dumped and compressed."""
        session.run(self._add, of_import=import_id, number=number, size=size, rows=rows)

    def get(self, session: Session, import_id: int, number: int) -> tuple[list[tuple[int, list[str]]], Any] | None:
        """The rows of a chunk, each with its line, and what became of them; None after the last."""
        row = session.fetch_one(self._get, of_import=import_id, number=number)
        if row is None:
            return None
        return orjson.loads(zlib.decompress(row[0])), None if row[1] is None else orjson.loads(zlib.decompress(row[1]))

    def get_checked(self, session: Session, import_id: int, number: int) -> list[dict[str, Any]] | None:
        """The rows of a chunk as validation has read them; None where that is not kept (any more)."""
        row = session.fetch_one(self._checked, of_import=import_id, number=number)
        return None if row is None or row[0] is None else orjson.loads(zlib.decompress(row[0]))

    def list(self, session: Session, import_id: int) -> list[ChunkState]:
        """All chunks of an import, in the order of the file; numbers are counted from 0."""
        found, first = [], 0
        for number, codes, done in session.fetch(self._list, of_import=import_id):
            found.append(ChunkState(number, range(first, first + codes), done))
            first += codes
        return found

    def measure_all(self, session: Session) -> int:
        """The bytes of all rows that are kept of the company's imports, whatever became of them."""
        return int(session.fetch(self._all)[0][0])

    def claim(self, session: Session, import_id: int, number: int) -> bool:
        """Lock a chunk that was not run yet; False where somebody has run it."""
        return bool(session.fetch(self._claim, of_import=import_id, number=number))

    def keep_outcome(self, session: Session, import_id: int, number: int, outcome: Mapping[str, Any]) -> None:
        """Keep what became of a chunk's rows."""
        kept = zlib.compress(orjson.dumps(outcome), 1)
        session.run(self._keep_outcome, of_import=import_id, number=number, kept=kept)

    def keep_validated(self, session: Session, import_id: int, number: int, *, drawn: int, checked: bytes) -> None:
        """Keep rows as they were read, and how many numbers they need."""
        session.run(self._keep_validated, of_import=import_id, number=number, drawn=drawn, rows_checked=checked)


class SeenKeys:
    """What the rows of earlier chunks have left, while a file is validated."""

    def __init__(self, tables: ImportTables) -> None:
        keys = tables.keys
        of_import = (of_tenant(keys), keys.c.import_id == _IMPORT)
        # A look into the primary key for each: with `= ANY` PostgreSQL reads all keys of a young table for every chunk.
        asked = (
            func.unnest(bindparam("keys", type_=ARRAY(BigInteger)))
            .table_valued(column("key", BigInteger), name="asked")
            .render_derived(name="asked")
        )
        left = (
            select(keys.c.entry)
            .where(*of_import, keys.c.key == asked.c.key)
            .limit(literal_column("1"))
            .lateral("seen_before")
        )
        self._find = Prepared(select(asked.c.key, left.c.entry).join_from(asked, left, true()))
        entries = json_rows("v", column("key", BigInteger), column("entry", JSON))
        put = upsert(keys).from_select(
            ["company_id", "import_id", "key", "entry"],
            select(TENANT, _IMPORT, entries.c.key, cast(entries.c.entry, JSONB)),
        )
        self._put = Prepared(
            put.on_conflict_do_update(
                index_elements=["company_id", "import_id", "key"], set_={"entry": put.excluded.entry}
            )
        )
        self._forget = Prepared(delete(keys).where(*of_import), writes=True)

    def find(self, session: Session, import_id: int, keys: Sequence[int]) -> dict[int, Any]:
        """What was left under these keys."""
        return dict(session.fetch(self._find, of_import=import_id, keys=keys)) if keys else {}

    def put(self, session: Session, import_id: int, entries: Mapping[int, Any]) -> None:
        """Leave something for the chunks below."""
        if entries:
            rows = orjson.dumps([{"key": key, "entry": entry} for key, entry in entries.items()]).decode()
            session.run(self._put, of_import=import_id, rows=rows)

    def forget(self, session: Session, import_id: int) -> None:
        """Delete what validation has kept of the rows for those below them."""
        session.run(self._forget, of_import=import_id)


class Errors:
    """What is wrong with rows, by chunk."""

    def __init__(self, tables: ImportTables) -> None:
        errors = tables.errors
        of_chunk = (of_tenant(errors), errors.c.import_id == _IMPORT, errors.c.chunk == _NUMBER)
        self._forget = Prepared(
            delete(errors).where(
                *of_chunk,
                # What validation has found of likely duplicates stays.
                (errors.c.severity == ERROR) | (errors.c.code != LIKELY) | bindparam("all", type_=Boolean),
            )
        )
        given = json_rows("v", *(column(name, errors.c[name].type) for name in _ERROR))
        self._add = Prepared(
            insert(errors).from_select(
                ["company_id", "import_id", "chunk", *_ERROR],
                select(TENANT, _IMPORT, _NUMBER, *(given.c[name] for name in _ERROR)),
            )
        )
        self._faults = Prepared(
            select(errors.c.line, errors.c.column_name, errors.c.message)
            .where(*of_chunk, errors.c.severity == ERROR)
            .order_by(errors.c.line, errors.c.id)
        )

    def replace(
        self, session: Session, import_id: int, number: int, rows: Iterable[dict[str, Any]], *, anew: bool
    ) -> None:
        """Keep what is wrong with a chunk's rows in the place of what was found before.

        The run leaves what validation has said of likely duplicates; `anew` is a validation.
        """
        session.run(self._forget, of_import=import_id, number=number, all=anew)
        if given := list(rows):
            session.run(self._add, of_import=import_id, number=number, rows=orjson.dumps(given).decode())

    def faults(self, session: Session, import_id: int, number: int) -> list[tuple[int, str | None, str]]:
        """The line, the column and the sentence of each fault of a chunk, in the order of the file."""
        return [(row[0], row[1], row[2]) for row in session.fetch(self._faults, of_import=import_id, number=number)]


class Store:
    """All that is kept of imports beside the imports themselves."""

    def __init__(self, tables: ImportTables) -> None:
        self.parts = Parts(tables)
        self.chunks = Chunks(tables)
        self.seen = SeenKeys(tables)
        self.errors = Errors(tables)

    def measure_kept(self, session: Session) -> int:
        """The bytes of all files and rows that are kept of the company's imports."""
        return self.parts.measure_all(session) + self.chunks.measure_all(session)

    def failed_rows(self, database: Database, import_id: int) -> Iterator[tuple[Sequence[str], str]]:
        """Every row that has a fault, with its faults as one text; a chunk is held at a time."""
        # It goes on after the view has returned: its tenant is set again for every chunk.
        return self._failed_rows(database, current(), import_id)

    def _failed_rows(self, database: Database, context: Context, import_id: int) -> Iterator[tuple[Sequence[str], str]]:
        number = 0
        while True:
            with acting_as(context), database.session() as session:
                chunk = self.chunks.get(session, import_id, number)
                faults = self.errors.faults(session, import_id, number)
            if chunk is None:
                return
            reasons: dict[int, list[str]] = {}
            for line, name, message in faults:
                reasons.setdefault(line, []).append(f"{name}: {message}" if name else message)
            for line, cells in chunk[0]:
                if line in reasons:
                    yield cells, f"line {line}: {' '.join(reasons[line])}"
            number += 1
