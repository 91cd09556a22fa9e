"""Exports of customers: no cell is a formula, and the audit log hears of them."""

import csv
import io

import orjson
import pytest


@pytest.fixture
def exporter(client_of, company_id):
    return client_of(company_id, scope="customers:read customers:write customers:export")


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
