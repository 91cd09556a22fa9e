"""Reading an import's file: the parts that came, in whatever encoding, become chunks of rows."""

import io
import zlib
from collections.abc import Iterator, Sequence
from threading import Event as Flag

import orjson
from sqlalchemy import BigInteger, Integer, LargeBinary, bindparam, delete, insert, update

from chassis.db.session import Database
from chassis.db.statements import TENANT, Prepared, of_tenant
from customers.commands.import_jobs import Job, StoppedError
from customers.commands.imports import FORGET_PARTS
from customers.models import customer_imports as imports
from customers.models import import_chunks
from customers.queries.imports import get_part
from customers.rules import importing
from imports.files import MalformedFile, Parts, Row, read_rows

# Chunks that are written in one transaction.
_TOGETHER = 10

_IMPORT = bindparam("of_import", type_=BigInteger)
_FORGET_CHUNKS = Prepared(delete(import_chunks).where(of_tenant(import_chunks), import_chunks.c.import_id == _IMPORT))
_ADD_CHUNK = Prepared(
    insert(import_chunks).values(
        company_id=TENANT,
        import_id=_IMPORT,
        number=bindparam("number", type_=Integer),
        size=bindparam("size", type_=Integer),
        rows=bindparam("rows", type_=LargeBinary),
    )
)
_KNOW_TOTAL = Prepared(
    update(imports)
    .values(total_rows=bindparam("total", type_=Integer))
    .where(of_tenant(imports), imports.c.id == _IMPORT, imports.c.state == importing.VALIDATING)
)


def read_file(database: Database, job: Job, stop: Flag) -> int:
    """Read the whole file into chunks and answer how many rows it has; whoever is interrupted begins anew.

    Raises MalformedFile, StoppedError.
    """
    with database.transaction() as session:
        session.run(_FORGET_CHUNKS, of_import=job.id)
    source = io.BufferedReader(Parts(_parts(database, job.id)), importing.LARGEST_PART)
    rows = read_rows(source, job.encoding, job.delimiter, job.header_line)
    if next(rows, None) is None:  # The header; its columns are known.
        raise MalformedFile("import_expired", "The file is not kept any more; begin another import.")
    total = number = 0
    waiting: list[bytes] = []
    sizes: list[int] = []
    for chunk in _chunks(rows):
        total += len(chunk)
        if total > importing.MOST_ROWS:
            raise MalformedFile("too_many_rows", f"The file has over {importing.MOST_ROWS} rows; split it.")
        waiting.append(zlib.compress(orjson.dumps([(row.line, row.cells) for row in chunk]), 1))
        sizes.append(len(chunk))
        if len(waiting) == _TOGETHER:
            _write(database, job.id, number, waiting, sizes)
            number += len(waiting)
            waiting, sizes = [], []
            if stop.is_set():
                raise StoppedError
    _write(database, job.id, number, waiting, sizes)
    with database.transaction() as session:
        session.run(_KNOW_TOTAL, of_import=job.id, total=total)
    return total


def forget_file(database: Database, import_id: int) -> None:
    """Delete the file as it came; its rows stay for the error file and a revert."""
    with database.transaction() as session:
        session.run(FORGET_PARTS, of_import=import_id)


def _parts(database: Database, import_id: int) -> Iterator[bytes]:
    number = 1
    while True:
        with database.session() as session:
            part = get_part(session, import_id, number)
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
        if len(chunk) == importing.CHUNK or length > importing.LONGEST_CHUNK:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk


def _write(database: Database, import_id: int, first: int, chunks: Sequence[bytes], sizes: Sequence[int]) -> None:
    with database.transaction() as session:
        for number, (rows, size) in enumerate(zip(chunks, sizes, strict=True), start=first):
            session.run(_ADD_CHUNK, of_import=import_id, number=number, size=size, rows=rows)
