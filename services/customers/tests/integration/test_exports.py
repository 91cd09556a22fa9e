"""Exports hold every record that the list has, once; no cell is a formula; and the audit log hears of them."""

import codecs
import csv
import io
import itertools

import orjson
import psycopg
import pytest

from chassis.db.pages import list_page
from chassis.web.exports import LARGEST_PAGE_BYTES, PAGE_LENGTHS


@pytest.fixture
def exporter(client_of, company_id):
    return client_of(company_id, scope="customers:read customers:write customers:export")


@pytest.fixture
def many(superuser, company_id):
    superuser.execute(
        "INSERT INTO customers (company_id, customer_code, name, created_at) SELECT %s, 'X-' || i, 'Name ' || i,"
        " now() - i * interval '1 second' FROM generate_series(1, 1203) i",
        (company_id,),
    )


@pytest.mark.usefixtures("many")
def test_a_csv_has_every_record_once_in_the_order_of_the_list(exporter):
    answer = exporter.get("/v1/customers/export.csv?fields=customer_code,name")
    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="customers.csv"'
    # Excel takes a file for UTF-8 by this mark alone.
    assert answer.data.startswith(codecs.BOM_UTF8)
    header, *rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert header == ["customer_code", "name"]
    assert rows == [[f"X-{number}", f"Name {number}"] for number in range(1, 1204)]


@pytest.mark.usefixtures("many")
def test_json_lines_are_the_records_of_the_list(exporter):
    answer = exporter.get("/v1/customers/export.jsonl?name[contains]=Name 12&sort=name")
    rows = [orjson.loads(line) for line in answer.data.splitlines()]
    listed = exporter.get("/v1/customers?name[contains]=Name 12&sort=name&limit=100").json["data"]
    assert rows == listed
    assert rows


def test_records_of_every_length_are_there_once_and_a_page_of_long_ones_is_short(
    exporter, superuser, company_id, monkeypatch
):
    superuser.execute(
        "INSERT INTO customers (company_id, customer_code, name, notes, created_at)"
        " SELECT %s, 'X-' || i, 'Name ' || i, CASE WHEN i BETWEEN 200 AND 400 THEN repeat('long ', 3800) END,"
        " now() - i * interval '1 second' FROM generate_series(1, 1203) i",
        (company_id,),
    )
    pages = []

    def seen(session, listing, query):
        page = list_page(session, listing, query)
        pages.append((query.shape.limit, len(page.data)))
        return page

    monkeypatch.setattr("chassis.web.exports.list_page", seen)
    answer = exporter.get("/v1/customers/export.jsonl")
    assert [orjson.loads(line)["name"] for line in answer.data.splitlines()] == [f"Name {i}" for i in range(1, 1204)]
    lengths = [limit for limit, _ in pages]
    assert (lengths[0], lengths[-1]) == (PAGE_LENGTHS[0], PAGE_LENGTHS[-1])
    after = [size for (_, before), (_, size) in itertools.pairwise(pages) if before > LARGEST_PAGE_BYTES]
    assert after, "no page was too long"
    assert max(after) <= LARGEST_PAGE_BYTES


def test_no_cell_is_a_formula_and_nothing_is_lost(exporter):
    name = '=HYPERLINK("http://evil.example","x")'
    values = {"name": name, "phone": "+49 30 1234", "notes": 'a "quote", a comma\nand a line', "tags": ["a", "@b"]}
    assert exporter.post("/v1/customers", json=values).status_code == 201
    [row] = csv.DictReader(io.StringIO(exporter.get("/v1/customers/export.csv").data.decode("utf-8-sig")))
    assert row["name"] == f"'{name}"
    assert row["phone"] == "+49 30 1234"
    assert row["notes"] == values["notes"]
    assert row["tags"] == "a;'@b"
    assert row["email"] == ""


def test_an_export_is_audited_and_needs_its_permission(exporter, client, superuser, company_id):
    assert client.get("/v1/customers/export.csv").status_code == 403
    exporter.get("/v1/customers/export.csv?status=active")
    [(body,)] = superuser.execute(
        "SELECT body FROM outbox WHERE company_id = %s AND type = 'crm.customer_export.created.v1'", (company_id,)
    ).fetchall()
    assert orjson.loads(body)["data"]["after"]["query"] == "status=active"
    assert orjson.loads(body)["actor"] == "7"


def test_asking_for_the_headers_of_an_export_is_none(exporter, superuser, company_id):
    asked = exporter.request("HEAD", "/v1/customers/export.csv")
    assert (asked.status_code, asked.content_type, asked.data) == (200, "text/csv; charset=utf-8", b"")
    for table in ("customer_exports", "outbox"):
        count = f"SELECT count(*) FROM {table} WHERE company_id = %s"  # noqa: S608  # Of constants.
        assert superuser.execute(count, (company_id,)).fetchone() == (0,), table


def test_another_tenants_records_are_in_no_export(exporter, client_of, company_id):
    exporter.post("/v1/customers", json={"name": "Ours"})
    stranger = client_of(company_id + 10**9, scope="customers:export")
    assert stranger.get("/v1/customers/export.jsonl").data == b""


@pytest.mark.usefixtures("many")
def test_a_failure_on_the_way_breaks_the_stream_off(application, exporter, monkeypatch):
    """The request's own session and the first page's are given, the second page's is not."""
    given = itertools.count(1)
    session = application.database.session

    def failing():
        if next(given) > 2:
            raise psycopg.OperationalError("gone")
        return session()

    monkeypatch.setattr(application.database, "session", failing)
    with pytest.raises(psycopg.OperationalError):
        assert exporter.get("/v1/customers/export.jsonl").data
