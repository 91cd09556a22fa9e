"""Exports: a whole list as CSV or JSON lines, streamed page by page, so that its length costs no memory."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
import structlog
from flask import Response, request

from chassis.context import Context, acting_as, current
from chassis.db.listing import LARGEST_PAGE_BYTES, Listing, ListQuery
from chassis.db.pages import list_page
from chassis.db.session import Database
from chassis.spreadsheets import neutral

# Records a page. Each length is a statement of its own for the database, so there are few.
PAGE_LENGTHS = (20, 100, 500)
# Who reads more slowly than this holds a place that others wait for.
LEAST_BYTES_PER_SECOND = 64 * 1024
LONGEST_PAUSE = 5.0
CSV, JSON_LINES = "csv", "jsonl"
CONTENT_TYPES = {CSV: "text/csv; charset=utf-8", JSON_LINES: "application/jsonl"}

log = structlog.get_logger()


def export(database: Database, listing: Listing, query: ListQuery, form: str, name: str) -> Response:
    """Stream all records that `query` asks for, in its order, as `form`; `name` is the file's without its ending.

    Every page is a read of its own: records that come and go meanwhile are neither repeated nor does one that stays get
    lost, but the whole is no snapshot. A failure on the way breaks the connection off, so that nobody takes a part for
    the whole.
    """
    pages = _pages(database, current(), listing, query)
    content = _csv(query.shape.fields or listing.fields, pages) if form == CSV else _json_lines(pages)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}
    return Response(_streamed(content), 200, headers, content_type=CONTENT_TYPES[form])


def export_rows(header: Sequence[str], rows: Iterable[Sequence[str]], name: str) -> Response:
    """Stream rows of texts as CSV that a spreadsheet opens as it is; `name` is the file's without its ending."""

    def lines() -> Iterator[bytes]:
        # The header as well: a file that somebody uploaded has named its columns.
        yield codecs.BOM_UTF8 + _lines([[neutral(name) for name in header]])
        yield from (_lines([[neutral(cell) for cell in row]]) for row in rows)

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(_streamed(lines()), 200, headers, content_type=CONTENT_TYPES[CSV])


def _pages(database: Database, context: Context, listing: Listing, query: ListQuery) -> Iterator[list[dict[str, Any]]]:
    length = PAGE_LENGTHS[0]
    query = replace(query, shape=replace(query.shape, limit=length), total=False)
    while True:
        # The view has returned long ago: its tenant is set again for every page.
        with acting_as(context), database.session() as session:
            page = list_page(session, listing, query)
        records = orjson.loads(page.data)
        yield records
        if page.last is None:
            return
        length = _next_length(len(records), len(page.data))
        query = replace(query, shape=replace(query.shape, limit=length, after=True), after=page.last)


def _next_length(count: int, size: int) -> int:
    """How many records to ask for after `count` of them were `size` bytes: as many as likely fit a page.

    What does not fit is made for nothing, and is on the page after.
    """
    likely = [one for one in PAGE_LENGTHS if one * size <= count * LARGEST_PAGE_BYTES]
    return max(likely, default=PAGE_LENGTHS[0])


def _streamed(content: Iterator[bytes]) -> Iterator[bytes]:
    """The parts, as long as somebody reads them: each is waited for as long as the slowest line may take for it."""
    exchange = request.environ.get("chassis.exchange")

    def parts() -> Iterator[bytes]:
        try:
            for part in content:
                if exchange is not None:
                    exchange.extend(LONGEST_PAUSE + len(part) / LEAST_BYTES_PER_SECOND)
                yield part
        except Exception:
            log.exception("export_broken_off")
            raise

    return parts()


def _json_lines(pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    for page in pages:
        yield b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in page)


def _csv(fields: Sequence[str], pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """RFC 4180, with the mark by which Excel knows UTF-8; lists are joined by semicolons, nulls are empty.

    There is no header before there is a first page.
    """
    begun = codecs.BOM_UTF8 + _lines([fields])
    for page in pages:
        yield begun + _lines([[neutral(record[name]) for name in fields] for record in page])
        begun = b""


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()
