"""Reverts of imports whose rows meet the same record several times: what was there before is there again."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from imports.engine import lifecycle

UPSERT = {"mode": "upsert", "match_by": "email"}
CUSTOMER = ("E-Mail", "Name", "City", "Notes", "Credit limit")
CONTACT = ("E-Mail", "First name", "Last name", "Job title", "Company")


@pytest.fixture(autouse=True, params=[1, 2, 1000], ids=["a row to a chunk", "two to a chunk", "one chunk"])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", request.param)


def counts(done: Any) -> tuple[Any, ...]:
    return done["state"], done["reverted_rows"], done["kept_rows"]


def test_who_was_made_and_changed_by_rows_below_is_gone_and_who_was_changed_is_as_before(imports: Any) -> None:
    known = {"name": "Known", "email": "k@b.example", "city": "Bonn", "credit_limit": "5.00"}
    before = imports.client.post("/v1/customers", json=known).json
    rows = [
        ("n@b.example", "New", "", "", ""),
        ("k@b.example", "Known", "Rome", "one", "10.5"),
        ("N@B.example", "New", "Oslo", "", ""),
        ("k@b.example", "Known", "Riga", "two", "20"),
        ("o@b.example", "Once", "", "", ""),
        ("n@b.example", "Newest", "Oslo", "three", "1"),
        ("k@b.example", "Known", "Bonn", "two", "5"),
    ]
    done = imports.run(imports.table(CUSTOMER, *rows), **UPSERT)
    assert (done["created_rows"], done["updated_rows"]) == (2, 5)
    assert imports.names() == ["Known", "Newest", "Once"]
    assert counts(imports.step(done["id"], "revert")) == ("reverted", 7, 0)
    [after] = imports.client.get("/v1/customers").json["data"]
    assert {name: after[name] for name in after if name not in ("version", "updated_at")} == {
        name: before[name] for name in after if name not in ("version", "updated_at")
    }


def test_what_somebody_has_changed_meanwhile_stays_and_the_rest_goes_back(imports: Any) -> None:
    rows = [("n@b.example", "New", "", "", ""), ("n@b.example", "New", "Rome", "", "")]
    done = imports.run(imports.table(CUSTOMER, *rows), **UPSERT)
    [new] = imports.client.get("/v1/customers").json["data"]
    path = f"/v1/customers/{new['id']}"
    assert imports.client.patch(path, json={"notes": "called"}, version=2).status_code == 200
    assert counts(imports.step(done["id"], "revert")) == ("reverted", 1, 1)
    [after] = imports.client.get("/v1/customers").json["data"]
    assert (after["name"], after["city"], after["notes"]) == ("New", None, "called")


def test_a_change_by_hand_between_two_rows_is_not_lost(imports: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a row is read long after the one that made its customer."""
    monkeypatch.setattr(lifecycle, "CHUNK", 1)
    first = imports.run(imports.table(CUSTOMER, ("n@b.example", "New", "Rome", "", "")), **UPSERT)
    [new] = imports.client.get("/v1/customers").json["data"]
    imports.client.patch(f"/v1/customers/{new['id']}", json={"city": "Bonn"}, version=1)
    rows = [("n@b.example", "New", "Oslo", "", ""), ("n@b.example", "New", "Riga", "", "")]
    second = imports.run(imports.table(CUSTOMER, *rows), **UPSERT)
    assert counts(imports.step(second["id"], "revert")) == ("reverted", 2, 0)
    assert imports.client.get(f"/v1/customers/{new['id']}").json["city"] == "Bonn"
    assert counts(imports.step(first["id"], "revert")) == ("reverted", 0, 1)


def test_contacts_that_rows_meet_again_are_gone_or_as_before(
    imports: Any, create: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    customer = create(imports.client)
    path = f"/v1/customers/{customer['id']}/contacts"
    imports.client.post(path, json={"first_name": "Ada", "email": "a@b.example", "job_title": "CEO"})
    rows = [
        ("b@b.example", "Bea", "", "", customer["name"]),
        ("a@b.example", "Ada", "L", "CTO", customer["name"]),
        ("b@b.example", "Bea", "M", "", customer["name"]),
        ("a@b.example", "Ada", "L", "CFO", customer["name"]),
        ("b@b.example", "Bea", "M", "COO", customer["name"]),
    ]
    done = imports.run(imports.table(CONTACT, *rows), record_type="contact", **UPSERT)
    assert (done["created_rows"], done["updated_rows"]) == (1, 4)
    assert counts(imports.step(done["id"], "revert")) == ("reverted", 5, 0)
    [ada] = imports.client.get("/v1/contacts").json["data"]
    assert (ada["first_name"], ada["last_name"], ada["job_title"]) == ("Ada", None, "CEO")
    # What was kept to find the way back is gone with the revert.
    kept = superuser.execute("SELECT count(*) FROM import_keys WHERE import_id = %s", (done["id"],)).fetchone()
    assert kept == (0,)


def test_a_revert_that_was_interrupted_goes_on_where_it_was(imports: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("n@b.example", "New", city, "", "") for city in ("Rome", "Oslo", "Riga", "Bonn", "Kiel")]
    done = imports.run(imports.table(CUSTOMER, *rows), **UPSERT)
    monkeypatch.setattr("imports.engine.worker.TURN_SECONDS", 0.0)
    assert counts(imports.step(done["id"], "revert")) == ("reverted", 5, 0)
    assert imports.names() == []
