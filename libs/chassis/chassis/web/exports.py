"""Exports: a whole list as CSV or JSON lines, streamed page by page, so that its length costs no memory."""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson
import structlog
from flask import Response

from chassis.context import Context, acting_as, current
from chassis.db.listing import Listing, ListQuery, list_page
from chassis.db.session import Database
from chassis.spreadsheets import neutral

EXPORT_PAGE = 500
CSV, JSON_LINES = "csv", "jsonl"
CONTENT_TYPES = {CSV: "text/csv; charset=utf-8", JSON_LINES: "application/jsonl"}

log = structlog.get_logger()


def export(database: Database, listing: Listing, query: ListQuery, form: str, name: str) -> Response:
    """Stream all records that `query` asks for, in its order, as `form`; `name` is the file's without its ending.

    Every page is a read of its own: records that come and go meanwhile are neither repeated nor does one that stays get
    lost, but the whole is no snapshot. A failure on the way breaks the connection off, so that nobody takes a part for
    the whole.
    """
    fields = query.shape.fields or listing.fields
    write = _csv(fields) if form == CSV else _json_lines
    pages = _pages(database, current(), listing, query)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}
    return Response(_logged(_written(write, pages)), 200, headers, content_type=CONTENT_TYPES[form])


def export_rows(header: Sequence[str], rows: Iterable[Sequence[str]], name: str) -> Response:
    """Stream rows of texts as CSV that a spreadsheet opens as it is; `name` is the file's without its ending."""

    def lines() -> Iterator[bytes]:
        yield codecs.BOM_UTF8
        yield from (_line([neutral(cell) for cell in row]) for row in chain([header], rows))

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(_logged(lines()), 200, headers, content_type=CONTENT_TYPES[CSV])


def _line(cells: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue().encode()


def _pages(database: Database, context: Context, listing: Listing, query: ListQuery) -> Iterator[bytes]:
    shape = replace(query.shape, limit=EXPORT_PAGE)
    query = replace(query, shape=shape, total=False)
    while True:
        # The view has returned long ago: its tenant is set again for every page.
        with acting_as(context), database.session() as session:
            page = list_page(session, listing, query)
        yield page.data
        if page.last is None:
            return
        query = replace(query, shape=replace(shape, after=True), after=page.last)


def _written(write: Callable[[list[dict[str, Any]], bool], bytes], pages: Iterator[bytes]) -> Iterator[bytes]:
    first = True
    for page in pages:
        yield write(orjson.loads(page), first)
        first = False


def _logged(content: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from content
    except Exception:
        log.exception("export_broken_off")
        raise


def _json_lines(rows: list[dict[str, Any]], first: bool) -> bytes:  # noqa: ARG001  # A first page is no different.
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _csv(fields: tuple[str, ...]) -> Callable[[list[dict[str, Any]], bool], bytes]:
    """A writer of RFC 4180; lists are joined by semicolons, nulls are empty."""

    def write(rows: list[dict[str, Any]], first: bool) -> bytes:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        if first:
            writer.writerow(fields)
        writer.writerows([neutral(row[name]) for name in fields] for row in rows)
        return buffer.getvalue().encode()

    return write
