"""Reading an import's file: the parts that came, in whatever encoding, become chunks of rows."""

import io
import zlib
from collections.abc import Iterator, Sequence
from threading import Event as Flag

import orjson

from chassis.db.session import Database
from imports.engine import lifecycle
from imports.engine.definition import Imports
from imports.engine.jobs import Job, StoppedError
from imports.files import MalformedFile, Row, read_rows
from imports.files import Parts as Source

# Chunks that are written in one transaction.
_TOGETHER = 10


def read_file(imports: Imports, database: Database, job: Job, stop: Flag) -> int:
    """Read the whole file into chunks and answer how many rows it has; whoever is interrupted begins anew.

    Raises MalformedFile, StoppedError.
    """
    with database.transaction() as session:
        imports.store.chunks.forget(session, job.id)
    source = io.BufferedReader(Source(_parts(imports, database, job.id)), lifecycle.LARGEST_PART)
    rows = read_rows(source, job.encoding, job.delimiter, job.header_line)
    if next(rows, None) is None:  # The header; its columns are known.
        raise MalformedFile("import_expired", "The file is not kept any more; begin another import.")
    total = number = 0
    waiting: list[bytes] = []
    sizes: list[int] = []
    for chunk in _chunks(rows):
        total += len(chunk)
        if total > lifecycle.MOST_ROWS:
            raise MalformedFile("too_many_rows", f"The file has over {lifecycle.MOST_ROWS} rows; split it.")
        waiting.append(zlib.compress(orjson.dumps([(row.line, row.cells) for row in chunk]), 1))
        sizes.append(len(chunk))
        if len(waiting) == _TOGETHER:
            _write(imports, database, job.id, number, chunks=waiting, sizes=sizes)
            number += len(waiting)
            waiting, sizes = [], []
            if stop.is_set():
                raise StoppedError
    _write(imports, database, job.id, number, chunks=waiting, sizes=sizes)
    with database.transaction() as session:
        imports.jobs.know_total(session, job, total)
    return total


def _parts(imports: Imports, database: Database, import_id: int) -> Iterator[bytes]:
    number = 1
    while True:
        with database.session() as session:
            part = imports.store.parts.get(session, import_id, number)
        if part is None:
            return
        yield part
        number += 1


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    length = 0
    for row in rows:
        chunk.append(row)
        length += sum(map(len, row.cells)) + len(row.cells)  # An empty cell takes room as well.
        if len(chunk) == lifecycle.CHUNK or length > lifecycle.LONGEST_CHUNK:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk


def _write(
    imports: Imports, database: Database, import_id: int, first: int, *, chunks: Sequence[bytes], sizes: Sequence[int]
) -> None:
    with database.transaction() as session:
        for number, (rows, size) in enumerate(zip(chunks, sizes, strict=True), start=first):
            imports.store.chunks.add(session, import_id, number, size, rows)
