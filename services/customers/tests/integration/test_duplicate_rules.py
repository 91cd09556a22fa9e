"""A company's own rules about duplicates, as its events tell them: in a check, on creating, and in an import."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.db.session import Session
from chassis.testing.fixtures import Client
from customers.queries.duplicates import find_duplicates

Say = Callable[..., None]


@pytest.fixture
def company_sets(superuser: psycopg.Connection, company_id: int) -> Say:
    """Make these the company's settings, as its event would."""

    def say(**settings: Any) -> None:
        superuser.execute(
            "INSERT INTO company_refs (company_id, version, settings) VALUES (%s, 1, %s)"
            " ON CONFLICT (company_id) DO UPDATE SET settings = excluded.settings",
            (company_id, json.dumps(settings)),
        )

    return say


def create(client: Client, **values: Any) -> Any:
    return client.post("/v1/customers", json=values)


def scores(client: Client, **values: Any) -> list[int]:
    found = client.post("/v1/customers/duplicates/check", json=values)
    assert found.status_code == 200, found.text
    return [candidate["score"] for candidate in found.json["candidates"]]


def test_a_check_goes_by_the_companys_rules(client: Client, company_sets: Say) -> None:
    ada = {"email": "ada@acme.example", "phone": "+49 30 123456", "website": "acme.example"}
    assert create(client, name="Ada", **ada).status_code == 201
    assert scores(client, name="Ada", **ada) == [100]
    assert scores(client, website="acme.example") == [50]
    company_sets(duplicate_threshold=70, duplicate_weights={"name": 69, "domain": 70, "phone": 0})
    assert scores(client, website="acme.example") == [70]
    assert scores(client, name="Ada") == []
    assert scores(client, phone="+49 30 123456") == []
    assert scores(client, phone="+49 30 123456", email="ada@acme.example") == [95]
    company_sets(free_mail_domains=["Acme.example"])
    assert scores(client, website="acme.example") == []
    assert scores(client, website="acme.example", name="Ada") == [60]


def test_the_rules_cost_no_round_trip_of_their_own(
    client: Client, session: Session, company_sets: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(client, name="Ada")
    company_sets(duplicate_weights={"name": 77})
    asked: list[Any] = []
    fetch = Session.fetch
    monkeypatch.setattr(
        Session, "fetch", lambda self, statement, **given: asked.append(statement) or fetch(self, statement, **given)
    )
    assert [candidate["score"] for candidate in find_duplicates(session, {"name_norm": "ada"})["candidates"]] == [77]
    assert len(asked) == 1


def test_the_reasons_of_a_candidate_leave_out_what_is_turned_off(client: Client, company_sets: Say) -> None:
    create(client, name="Ada", email="ada@acme.example", phone="+49 30 123456")
    company_sets(duplicate_weights={"email": 60, "phone": 0, "name": 90})
    values = {"name": "ada", "email": "ada@acme.example", "phone": "+49 30 123456"}
    candidate = client.post("/v1/customers/duplicates/check", json=values).json["candidates"][0]
    assert [reason["key"] for reason in candidate["reasons"]] == ["name_norm", "email_norm"]


def test_who_blocks_refuses_by_the_companys_rules(client: Client, company_sets: Say) -> None:
    company_sets(duplicates="block", duplicate_weights={"name": 0})
    assert create(client, name="Ada", email="ada@acme.example").status_code == 201
    assert create(client, name="Ada").status_code == 201
    assert create(client, name="Bea", email="ada@acme.example").status_code == 409
    company_sets(duplicates="block", duplicate_threshold=96)
    assert create(client, name="Bea", email="ada@acme.example").status_code == 201


def test_a_warning_goes_by_the_companys_rules(client: Client, company_sets: Say) -> None:
    company_sets(duplicates="warn")
    create(client, name="Ada")
    assert "Link" in create(client, name="Ada").headers
    company_sets(duplicates="warn", duplicate_weights={"name": 49})
    assert "Link" not in create(client, name="Ada").headers


def test_damaged_rules_break_no_create(client: Client, company_sets: Say) -> None:
    damaged = {"duplicate_weights": "heavy", "duplicate_threshold": {}, "free_mail_domains": [None, 7]}
    company_sets(duplicates="block", **damaged)
    assert create(client, name="Ada", email="ada@acme.example").status_code == 201
    assert create(client, name="Bea", email="ada@acme.example").status_code == 409
    assert scores(client, name="Ada") == [60]


@pytest.mark.parametrize(
    ("settings", "names", "refused"),
    [
        ({}, ["Ada", "Dora"], [3, 4]),
        ({"duplicate_weights": {"name": 0}}, ["Ada", "Ada", "Dora"], [3]),
        ({"duplicate_weights": {"email": 0}}, ["Ada", "Bea", "Dora"], [4]),
        ({"duplicate_weights": {"name": 0, "email": 0}}, ["Ada", "Ada", "Bea", "Dora"], []),
    ],
)
def test_an_import_refuses_rows_by_the_companys_rules_though_they_stand_side_by_side(
    imports: Any, company_sets: Say, settings: Any, names: list[str], refused: list[int]
) -> None:
    company_sets(duplicates="block", **settings)
    rows = (("Ada", "a@b.example"), ("Bea", "A@b.example"), ("Ada", ""), ("Dora", "d@b.example"))
    done = imports.run(imports.table(("Name", "E-Mail"), *rows))
    assert imports.names() == names
    errors = [(error["line"], error["code"]) for error in imports.errors(done["id"])]
    assert errors == [(line, "possible_duplicate") for line in refused]


def test_rules_that_change_between_validation_and_the_run_hold_for_the_run(imports: Any, company_sets: Say) -> None:
    company_sets(duplicates="block", duplicate_weights={"name": 0})
    begun = imports.begin(imports.table(("Name",), ("Ada",), ("Ada",))).json
    assert imports.step(begun["id"], "validate")["failed_rows"] == 0
    company_sets(duplicates="block")
    assert imports.step(begun["id"], "start")["failed_rows"] == 1
    assert imports.names() == ["Ada"]
