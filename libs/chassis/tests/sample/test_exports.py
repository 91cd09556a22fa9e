"""Exports hold every record that the list has, once; no cell is a formula; and the audit log hears of them."""

import codecs
import csv
import io
import itertools

import orjson
import psycopg
import pytest

from chassis.db.listing import LARGEST_PAGE_BYTES
from chassis.db.pages import list_page
from chassis.web.exports import PAGE_LENGTHS

ALL = [f"Title {number}" for number in range(1, 1204)]


def test_a_csv_has_every_record_once_in_the_order_of_the_list(client, fill):
    fill(1203)
    answer = client.get("/v1/books/export.csv?fields=title,status")
    assert (answer.status_code, answer.content_type) == (200, "text/csv; charset=utf-8")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="books.csv"'
    # Excel takes a file for UTF-8 by this mark alone.
    assert answer.data.startswith(codecs.BOM_UTF8)
    header, *rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert header == ["title", "status"]
    assert rows == [[title, "present"] for title in ALL]


def test_json_lines_are_the_records_of_the_list(client, fill):
    fill(130)
    rows = [
        orjson.loads(line)
        for line in client.get("/v1/books/export.jsonl?title[contains]=Title 12&sort=title").data.splitlines()
    ]
    assert rows == client.get("/v1/books?title[contains]=Title 12&sort=title&limit=100").json["data"]
    assert len(rows) == 11


def test_records_of_every_length_are_there_once_and_a_page_of_long_ones_is_short(client, fill, monkeypatch):
    fill(1203, notes="CASE WHEN n BETWEEN 200 AND 400 THEN repeat('long ', 3800) END")
    pages = []

    def seen(session, listing, query):
        page = list_page(session, listing, query)
        pages.append((query.shape.limit, len(page.data)))
        return page

    monkeypatch.setattr("chassis.web.exports.list_page", seen)
    answer = client.get("/v1/books/export.jsonl")
    assert [orjson.loads(line)["title"] for line in answer.data.splitlines()] == ALL
    lengths = [limit for limit, _ in pages]
    assert (lengths[0], lengths[-1]) == (PAGE_LENGTHS[0], PAGE_LENGTHS[-1])
    # No page is longer than the record that makes it long, and after a long one fewer are asked for.
    assert max(size for _, size in pages) < LARGEST_PAGE_BYTES + 20_000
    after = [limit for (_, size), (limit, _) in itertools.pairwise(pages) if size > LARGEST_PAGE_BYTES]
    assert after, "no page was too long"
    assert max(after) < PAGE_LENGTHS[-1]


def test_what_comes_and_goes_between_two_pages_costs_no_other_its_place(client, fill, monkeypatch, superuser):
    """The export goes on behind the last record that it has shown, whatever became of that one."""
    fill(60)
    pages = []

    def meanwhile(session, listing, query):
        page = list_page(session, listing, query)
        pages.append(page)
        if len(pages) == 1:
            last = orjson.loads(page.data)[-1]
            superuser.execute("DELETE FROM books WHERE id = %s", (last["id"],))
            superuser.execute(
                "INSERT INTO books (company_id, shelf_id, title) VALUES (%s, %s, 'New')",
                (last["company_id"], last["shelf_id"]),
            )
        return page

    monkeypatch.setattr("chassis.web.exports.list_page", meanwhile)
    answer = client.get("/v1/books/export.jsonl")
    assert [orjson.loads(line)["title"] for line in answer.data.splitlines()] == ALL[:60]
    assert len(pages) > 1


def test_no_cell_is_a_formula_and_nothing_is_lost(client, create):
    title = '=HYPERLINK("http://evil.example","x")'
    values = {"title": title, "shelf_mark": "+1", "notes": 'a "quote", a comma\nand a line', "tags": ["a", "@b"]}
    create(**values)
    [row] = csv.DictReader(io.StringIO(client.get("/v1/books/export.csv").data.decode("utf-8-sig")))
    assert (row["title"], row["notes"]) == (f"'{title}", values["notes"])
    assert (row["tags"], row["price"]) == ("a;'@b", "")


def test_an_export_is_told_of_and_needs_its_permission(client, client_of, company_id, published):
    assert client_of(company_id, "books:read").get("/v1/books/export.csv").status_code == 403
    assert client.get("/v1/books/export.csv?status=lent").status_code == 200
    [event] = published(event_type="crm.book_export.created.v1")
    assert (event["data"]["after"]["query"], event["actor"]) == ("status=lent", "7")


def test_asking_for_the_headers_of_an_export_is_none(client, superuser, company_id):
    asked = client.request("HEAD", "/v1/books/export.csv")
    assert (asked.status_code, asked.content_type, asked.data) == (200, "text/csv; charset=utf-8", b"")
    for table in ("book_exports", "outbox"):
        count = f"SELECT count(*) FROM {table} WHERE company_id = %s"  # noqa: S608  # Of constants.
        assert superuser.execute(count, (company_id,)).fetchone() == (0,), table


def test_another_tenants_records_are_in_no_export(create, client_of, company_id):
    create()
    assert client_of(company_id + 10**9).get("/v1/books/export.jsonl").data == b""


def test_a_failure_on_the_way_breaks_the_stream_off(application, client, fill, monkeypatch):
    """The request's own session and the first page's are given, the second page's is not."""
    fill(130)
    counted = itertools.count(1)
    session = application.database.session

    def failing():
        if next(counted) > 2:
            raise psycopg.OperationalError("gone")
        return session()

    monkeypatch.setattr(application.database, "session", failing)
    with pytest.raises(psycopg.OperationalError):
        assert client.get("/v1/books/export.jsonl").data
