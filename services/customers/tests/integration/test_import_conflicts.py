"""What an import's rows meet in the database refuses those rows alone, and a revert gives nobody what they may not have."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import sql

from chassis.testing.fixtures import Client
from chassis.testing.waiting import wait_until

UPDATE = {"mode": "update", "match_by": "customer_code"}
REFUSED = "Refused"


@pytest.fixture
def client(imports: Any) -> Any:
    return imports.client


@pytest.fixture
def database_refuses(superuser: psycopg.Connection, company_id: int) -> Iterator[None]:
    """A rule of the database that no look beforehand knows of: nobody of this company is called so."""
    name, tenant = sql.Identifier(f"refused_{company_id}"), sql.Literal(company_id)
    rule = sql.SQL("CHECK (company_id <> {} OR name <> {}) NOT VALID").format(tenant, sql.Literal(REFUSED))
    superuser.execute(sql.SQL("ALTER TABLE customers ADD CONSTRAINT {} {}").format(name, rule))
    yield
    superuser.execute(sql.SQL("ALTER TABLE customers DROP CONSTRAINT {}").format(name))


def codes_of(imports: Any, done: Any) -> list[tuple[int, str]]:
    return [(error["line"], error["code"]) for error in imports.errors(done["id"])]


def test_an_empty_company_is_none_so_that_a_name_is_not_taken_there(imports: Any, client: Client) -> None:
    for code, name in (("K-1", "Ada"), ("K-2", "Bea")):
        made = client.post("/v1/customers", json={"customer_code": code, "name": name, "company_name": ""})
        assert made.json["company_name"] is None
    done = imports.run(imports.table(("Code", "Name"), ("K-1", "Bea"), ("K-2", "Bertha")), **UPDATE)
    assert (done["state"], done["updated_rows"], done["failed_rows"]) == ("completed", 2, 0)
    assert imports.names() == ["Bea", "Bertha"]


def test_rows_that_meet_by_what_they_do_not_say_are_told_apart(imports: Any, client: Client) -> None:
    """One row brings a customer to the other's company, the other takes the first one's name."""
    client.post("/v1/customers", json={"customer_code": "K-1", "name": "Ada", "company_name": "Old"})
    client.post("/v1/customers", json={"customer_code": "K-2", "name": "Bea", "company_name": "New"})
    rows = (("K-1", "", "New"), ("K-2", "Ada", ""))
    done = imports.run(imports.table(("Code", "Name", "Company"), *rows), **UPDATE)
    assert (done["state"], done["updated_rows"]) == ("completed_with_errors", 1)
    assert codes_of(imports, done) == [(3, "customer_exists")]


@pytest.mark.usefixtures("database_refuses")
def test_a_row_that_the_database_refuses_fails_alone(imports: Any, client: Client) -> None:
    rows = [(REFUSED if number in (3, 4, 20) else f"N{number:02}",) for number in range(30)]
    done = imports.run(imports.table(("Name",), *rows))
    assert (done["state"], done["created_rows"], done["failed_rows"]) == ("completed_with_errors", 27, 3)
    assert codes_of(imports, done) == [(5, "conflict"), (6, "conflict"), (22, "conflict")]
    codes = [row["customer_code"] for row in client.get("/v1/customers?limit=100&sort=name").json["data"]]
    assert codes == [f"C-{number:06}" for number in range(1, 28)]
    assert imports.errors(done["id"])[0]["message"].startswith("The row cannot stand beside what is stored")


@pytest.mark.usefixtures("database_refuses")
def test_all_or_nothing_imports_nothing_where_the_database_refuses_a_row(imports: Any) -> None:
    begun = imports.begin(imports.table(("Name",), ("Ada",), (REFUSED,)), all_or_nothing=True).json
    imports.step(begun["id"], "validate")
    done = imports.step(begun["id"], "start")
    assert (done["state"], done["error_code"], done["created_rows"]) == ("failed", "rows_refused", 0)
    assert codes_of(imports, done) == [(3, "conflict")]
    assert imports.names() == []


def test_no_revert_gives_a_customer_to_somebody_inactive(
    imports: Any, client: Client, superuser: psycopg.Connection, company_id: int
) -> None:
    for user in (80, 90):
        superuser.execute(
            "INSERT INTO user_refs (company_id, user_id, email) VALUES (%s, %s, %s)",
            (company_id, user, f"u{user}@b.example"),
        )
    names = ("Ada", "Bea", "Cid")
    for number, name in enumerate(names):
        owner = 90 if number < 2 else 80
        values = {"customer_code": f"K-{number}", "name": name, "city": "Bonn", "assigned_to": owner}
        assert client.post("/v1/customers", json=values).status_code == 201
    rows = (("K-0", "u80@b.example", "Rome"), ("K-1", "u80@b.example", "Bonn"), ("K-2", "", "Rome"))
    content = imports.table(("Code", "Owner email", "City"), *rows)
    done = imports.run(content, **UPDATE)
    assert done["updated_rows"] == 3, imports.errors(done["id"])
    superuser.execute("UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = 90", (company_id,))
    undone = imports.step(done["id"], "revert")
    assert (undone["state"], undone["reverted_rows"], undone["kept_rows"]) == ("reverted", 2, 1)
    now = [client.get(f"/v1/customers?name={name}").json["data"][0] for name in names]
    assert [(row["city"], row["assigned_to"]) for row in now] == [("Bonn", 80)] * 3


def test_an_import_changes_no_customer_that_is_archived_between_its_look_and_its_lock(imports, superuser):
    begun = imports.run(imports.table(("Name", "E-Mail"), ("Ada", "ada@x.example")))
    assert begun["created_rows"] == 1
    again = imports.begin(imports.table(("E-Mail", "City"), ("ada@x.example", "Rome")), mode="update", match_by="email")
    assert imports.step(again.json["id"], "validate")["state"] == "awaiting_confirmation"
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND pid <> pg_backend_pid()"
    )
    with ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            superuser.execute(
                "UPDATE customers SET archived_at = now(), version = version + 1 WHERE company_id = %s",
                (imports.company_id,),
            )
            running = pool.submit(imports.step, again.json["id"], "start")
            wait_until(lambda: superuser.execute(waiting).fetchone() == (1,), what="the import to wait for the row")
        done = running.result()
    assert (done["updated_rows"], done["failed_rows"]) == (0, 1)
    assert [error["code"] for error in imports.errors(done["id"])] == ["customer_archived"]
    query = "SELECT city, version FROM customers WHERE company_id = %s"
    assert superuser.execute(query, (imports.company_id,)).fetchall() == [(None, 2)]


@pytest.mark.parametrize("match_by", ["customer_code", "email"])
def test_the_code_of_a_merged_customer_is_one_of_the_survivors(
    imports: Any, create: Callable[..., Any], merge: Callable[..., Any], match_by: str
) -> None:
    source = create(imports.client, customer_code="OLD-1")
    target = create(imports.client, customer_code="NEW-1", email="a@x.example")
    other = create(imports.client, customer_code="OTHER-1")
    assert merge(imports.client, target, source).status_code == 200
    content = imports.table(("Code", "E-Mail", "City"), ("OLD-1", "a@x.example", "Rome"))
    done = imports.run(content, mode="upsert", match_by=match_by)
    assert (done["updated_rows"], done["failed_rows"]) == (1, 0), imports.errors(done["id"])
    known = imports.client.get(f"/v1/customers/{target['id']}").json
    assert (known["city"], known["customer_code"]) == ("Rome", "NEW-1")
    content = imports.table(("Code", "E-Mail", "City"), ("OTHER-1", "a@x.example", "Bari"))
    refused = imports.run(content, mode="update", match_by="email")
    assert [error["code"] for error in imports.errors(refused["id"])] == ["code_fixed"]
    assert imports.client.get(f"/v1/customers/{other['id']}").json["city"] is None
