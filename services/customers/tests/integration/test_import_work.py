"""The worker's way through imports: killed, stopped, cancelled, twice at once, and each row once all the same."""

import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis.context import current
from chassis.db.session import Database
from chassis.testing.fixtures import DatabaseUrls
from chassis.testing.programs import Programs
from chassis.testing.waiting import wait_until
from customers.commands import import_rows
from customers.commands.imports import IMPORTS
from customers.handlers import work_on_imports
from imports.engine import chunks, lifecycle, worker

PATH = "/v1/customers/imports"
# What is the same in every tenant: not ids and times.
SAME = "customer_code, name, email, phone_e164, status, version, name_norm"

WORKER = """
import sys, threading
from chassis.db.session import Database
from customers.handlers import work_on_imports
from imports.engine import lifecycle
lifecycle.CHUNK = 25
print("ready", flush=True)
work_on_imports(Database(sys.argv[1]), threading.Event())
"""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", 25)


def rows_of(imports: Any) -> bytes:
    """Two thousand rows: some of the same customer, some with faults, the others new."""
    rows = [
        (f"N{number}", "nonsense" if number % 97 == 0 else f"n{number % 1900}@b.example", f"+49 30 {number:06}")
        for number in range(2000)
    ]
    content: bytes = imports.table(("Name", "E-Mail", "Phone"), *rows)
    return content


def customers_of(superuser: psycopg.Connection, imports: Any) -> list[Any]:
    query = f"SELECT {SAME} FROM customers WHERE company_id = %s ORDER BY customer_code"  # noqa: S608  # Of constants.
    return superuser.execute(query, (imports.company_id,)).fetchall()


def events_of(superuser: psycopg.Connection, imports: Any) -> list[Any]:
    return superuser.execute(
        "SELECT type, aggregate_version, count(*) FROM outbox WHERE company_id = %s AND aggregate_type = 'customers'"
        " GROUP BY 1, 2 ORDER BY 1, 2",
        (imports.company_id,),
    ).fetchall()


@pytest.fixture
def killed(urls: DatabaseUrls, programs: Programs) -> Callable[..., int]:
    """Run the worker as a process until all is done, and kill it at any moment so many times; answers how often."""

    def run(times: int, is_done: Callable[[], bool]) -> int:
        kills = 0
        while not is_done():
            worker = programs.start("-c", WORKER, urls.app)
            worker.stdout.readline()
            try:
                worker.wait(random.uniform(0.02, 0.3) if kills < times else 60)
            except subprocess.TimeoutExpired:
                worker.kill()
                kills += 1
            worker.end()
        return kills

    return run


@pytest.fixture
def twin(imports_of: Callable[[int], Any], company_id: int) -> Any:
    """The imports of another tenant."""
    return imports_of(company_id + 10**12)


@pytest.mark.parametrize("options", [{"mode": "upsert", "match_by": "email"}, {"mode": "create"}])
def test_an_import_that_was_killed_again_and_again_is_as_an_undisturbed_one(
    imports: Any, twin: Any, killed: Callable[..., int], superuser: psycopg.Connection, options: Any
) -> None:
    content = rows_of(imports)
    undisturbed = twin.run(content, **options)
    begun = imports.begin(content, **options).json["id"]
    for action, state in (("validate", "awaiting_confirmation"), ("start", "completed_with_errors")):
        assert imports.client.post(f"{PATH}/{begun}/{action}").status_code == 202
        assert killed(3, lambda state=state: imports.get(begun)["state"] == state) > 0
    done = imports.get(begun)
    for count in ("created_rows", "updated_rows", "unchanged_rows", "failed_rows", "processed_rows"):
        assert done[count] == undisturbed[count], count
    assert customers_of(superuser, imports) == customers_of(superuser, twin)
    assert events_of(superuser, imports) == events_of(superuser, twin)
    errors = [(error["line"], error["code"]) for error in imports.errors(begun)]
    assert errors == [(error["line"], error["code"]) for error in twin.errors(undisturbed["id"])]


def contacts_of(superuser: psycopg.Connection, imports: Any) -> list[Any]:
    return superuser.execute(
        "SELECT c.name, p.first_name, p.email, p.phone_e164, p.version FROM contacts p JOIN customers c"
        " ON c.company_id = p.company_id AND c.id = p.customer_id WHERE p.company_id = %s ORDER BY p.email",
        (imports.company_id,),
    ).fetchall()


def test_companies_and_people_are_there_once_however_often_the_worker_is_killed(
    imports: Any, twin: Any, killed: Callable[..., int], superuser: psycopg.Connection
) -> None:
    rows = [
        (f"N{number}", f"n{number}@b.example", f"+49 30 {number:06}", f"Firm {number % 30}" if number % 10 else "")
        for number in range(1200)
    ]
    content = imports.table(("First name", "E-Mail", "Phone", "Company"), *rows)
    undisturbed = twin.run(content, record_type="customer_and_contact")
    begun = imports.begin(content, record_type="customer_and_contact").json["id"]
    imports.step(begun, "validate")
    assert imports.client.post(f"{PATH}/{begun}/start").status_code == 202
    assert killed(2, lambda: imports.get(begun)["state"] == "completed") > 0
    assert imports.get(begun)["created_rows"] == undisturbed["created_rows"] == 1200
    assert sorted(row[1:] for row in customers_of(superuser, imports)) == sorted(
        row[1:] for row in customers_of(superuser, twin)
    )
    assert contacts_of(superuser, imports) == contacts_of(superuser, twin)
    assert len(contacts_of(superuser, imports)) == 1080
    assert events_of(superuser, imports) == [("crm.customer.created.v1", 1, 27 + 120)]
    back = imports.step(begun, "revert")
    assert (back["reverted_rows"], back["kept_rows"]) == (1200, 0)
    assert customers_of(superuser, imports) == contacts_of(superuser, imports) == []


def test_rows_are_run_as_validation_has_read_them_and_read_anew_where_that_was_not_kept(
    imports: Any, twin: Any, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = rows_of(imports)
    ids = {each: each.begin(content).json["id"] for each in (imports, twin)}
    for each, begun in ids.items():
        each.step(begun, "validate")
    # As the version before leaves an import that it has validated.
    superuser.execute("UPDATE import_chunks SET checked = NULL WHERE company_id = %s", (twin.company_id,))
    done = [twin.step(ids[twin], "start")]
    monkeypatch.setattr(IMPORTS.store.chunks, "get", None)
    done.append(imports.step(ids[imports], "start"))
    assert [each["state"] for each in done] == ["completed_with_errors"] * 2
    assert customers_of(superuser, imports) == customers_of(superuser, twin)
    errors = [(error["line"], error["column_name"], error["value"]) for error in imports.errors(ids[imports])]
    assert errors == [(error["line"], error["column_name"], error["value"]) for error in twin.errors(ids[twin])]
    kept = "SELECT count(*) FROM import_chunks WHERE company_id = %s AND checked IS NOT NULL"
    assert superuser.execute(kept, (imports.company_id,)).fetchall() == [(0,)]


def test_rows_of_one_customer_take_effect_in_their_order_however_many_run_at_once(imports: Any) -> None:
    rows = [(f"n{number % 30}@b.example", f"N{number % 30}", f"City {number:03}") for number in range(600)]
    content = imports.table(("E-Mail", "Name", "City"), *rows)
    done = imports.run(content, mode="upsert", match_by="email")
    assert (done["created_rows"], done["updated_rows"]) == (30, 570)
    found = imports.client.get("/v1/customers?limit=100&fields=city,version").json["data"]
    assert sorted(row["city"] for row in found) == [f"City {number}" for number in range(570, 600)]
    assert {row["version"] for row in found} == {20}


def test_all_or_nothing_that_was_killed_gives_out_the_same_codes(
    imports: Any, killed: Callable[..., int], superuser: psycopg.Connection
) -> None:
    content = imports.table(("Name",), *((f"N{number}",) for number in range(3000)))
    begun = imports.begin(content, all_or_nothing=True).json["id"]
    imports.step(begun, "validate")
    assert imports.client.post(f"{PATH}/{begun}/start").status_code == 202
    assert killed(3, lambda: imports.get(begun)["state"] == "completed") > 0
    codes = [row[0] for row in customers_of(superuser, imports)]
    assert codes == [f"C-{number:06}" for number in range(1, 3001)]
    assert events_of(superuser, imports) == [("crm.customer.created.v1", 1, 3000)]


def test_two_workers_at_once_take_each_row_once(
    imports: Any, database: Database, superuser: psycopg.Connection
) -> None:
    begun = imports.begin(rows_of(imports)).json["id"]
    imports.step(begun, "validate")
    imports.client.post(f"{PATH}/{begun}/start")
    both = [threading.Thread(target=work_on_imports, args=(database, threading.Event())) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    imports.work()
    done = imports.get(begun)
    assert (done["state"], done["processed_rows"]) == ("completed_with_errors", 2000)
    assert len(customers_of(superuser, imports)) == done["created_rows"]
    assert events_of(superuser, imports) == [("crm.customer.created.v1", 1, done["created_rows"])]


@pytest.fixture
def working(imports: Any, database: Database) -> Iterator[Callable[[int], threading.Event]]:
    """Begin to work on an import in a thread and come back when it has begun to count; answers the flag that stops."""
    threads = []

    def begin(import_id: int) -> threading.Event:
        stop = threading.Event()
        threads.append(threading.Thread(target=work_on_imports, args=(database, stop)))
        threads[-1].start()
        wait_until(lambda: imports.get(import_id)["processed_rows"] > 0, 60, pause=0.002)
        return stop

    yield begin
    for thread in threads:
        thread.join()


def test_a_worker_that_is_to_end_leaves_the_rest_to_the_next(
    imports: Any, working: Callable[[int], threading.Event]
) -> None:
    begun = imports.begin(rows_of(imports)).json["id"]
    imports.step(begun, "validate")
    imports.client.post(f"{PATH}/{begun}/start")
    working(begun).set()
    wait_until(lambda: imports.get(begun)["state"] == "running", 60)
    imports.work()
    assert imports.get(begun)["processed_rows"] == 2000


@pytest.mark.parametrize("all_or_nothing", [False, True])
def test_a_cancelled_import_stops_and_can_be_reverted(
    imports: Any,
    working: Callable[[int], threading.Event],
    superuser: psycopg.Connection,
    all_or_nothing: bool,
) -> None:
    content = imports.table(("Name",), *((f"N{number}",) for number in range(4000)))
    begun = imports.begin(content, all_or_nothing=all_or_nothing).json["id"]
    imports.step(begun, "validate")
    imports.client.post(f"{PATH}/{begun}/start")
    working(begun)
    cancelled = imports.client.post(f"{PATH}/{begun}/cancel")
    assert cancelled.json["state"] == "cancelled", cancelled.text
    imports.work()
    done = imports.get(begun)
    assert done["processed_rows"] == 0 if all_or_nothing else 0 < done["processed_rows"] < 4000
    kept = 0 if all_or_nothing else done["created_rows"]
    wait_until(lambda: len(customers_of(superuser, imports)) == kept, 60)
    undone = imports.step(begun, "revert")
    assert undone["state"] == "reverted"
    assert customers_of(superuser, imports) == []


def test_nobody_sees_a_part_of_all_or_nothing(imports: Any, working: Callable[[int], threading.Event]) -> None:
    content = imports.table(("Name",), *((f"N{number}",) for number in range(3000)))
    begun = imports.begin(content, all_or_nothing=True).json["id"]
    imports.step(begun, "validate")
    imports.client.post(f"{PATH}/{begun}/start")
    working(begun)
    while (now := imports.get(begun))["state"] == "running":
        seen = imports.client.get("/v1/customers?limit=1&include=total").json["page"]["total"]
        assert seen in (0, 3000)
    assert now["state"] == "completed"


def test_others_create_customers_while_all_or_nothing_runs(
    imports: Any, working: Callable[[int], threading.Event]
) -> None:
    content = imports.table(("Name",), *((f"N{number}",) for number in range(3000)))
    begun = imports.begin(content, all_or_nothing=True).json["id"]
    imports.step(begun, "validate")
    imports.client.post(f"{PATH}/{begun}/start")
    working(begun)
    assert imports.client.post("/v1/customers", json={"name": "Beside"}).json["customer_code"] == "C-003001"


def test_a_code_that_was_taken_between_the_look_and_the_write_is_seen_at_the_second_look(
    imports: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports.client.post("/v1/customers", json={"name": "First", "customer_code": "K-1"})
    real, blind = import_rows.taken_codes, iter([True, False])
    content = imports.table(("Name", "Code"), ("Ada", "K-1"), ("Bea", "K-2"))
    begun = imports.begin(content).json["id"]
    imports.step(begun, "validate")
    monkeypatch.setattr(import_rows, "taken_codes", lambda *given: set() if next(blind) else real(*given))
    done = imports.step(begun, "start")
    assert (done["state"], done["created_rows"], done["failed_rows"]) == ("completed_with_errors", 1, 1)


def test_an_error_of_ours_ends_the_import_and_says_so(imports: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = imports.begin(b"Name\nAda\n").json["id"]
    imports.step(begun, "validate")
    monkeypatch.setattr(chunks, "apply_rows", None)
    done = imports.step(begun, "start")
    assert (done["state"], done["error_code"]) == ("failed", "internal_error")


def test_a_database_that_is_away_leaves_the_import_where_it_is(imports: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = imports.begin(b"Name\nAda\n").json["id"]
    imports.step(begun, "validate")

    def fail(*_: object) -> None:
        raise psycopg.OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "apply_rows", fail)
        assert imports.step(begun, "start")["state"] == "running"
    imports.work()
    assert imports.get(begun)["state"] == "completed"


def test_a_long_import_lets_a_short_one_through(imports: Any, twin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "TURN_SECONDS", 0.05)
    long, short = imports.begin(rows_of(imports)).json["id"], twin.begin(b"Name\nAda\n").json["id"]
    imports.client.post(f"{PATH}/{long}/validate")
    twin.client.post(f"{PATH}/{short}/validate")
    finished = []
    real = worker.move_on

    def note(of: Any, session: Any, event_type: Any, import_id: int, **rest: Any) -> bool:
        finished.append(import_id)
        return real(of, session, event_type, import_id, **rest)

    monkeypatch.setattr(worker, "move_on", note)
    imports.work()
    assert finished == [short, long]


@pytest.mark.parametrize("all_or_nothing", [False, True], ids=["reading", "all at once"])
def test_a_step_that_cannot_be_left_holds_up_no_other_tenant(
    *, imports: Any, twin: Any, monkeypatch: pytest.MonkeyPatch, all_or_nothing: bool
) -> None:
    monkeypatch.setattr(worker, "TURN_SECONDS", 0.05)
    content = b"Name\nAda\n"
    first, second = (imports.begin(content, all_or_nothing=all_or_nothing).json["id"] for _ in range(2))
    action = "validate"
    if all_or_nothing:
        for begun in (first, second):
            imports.step(begun, "validate")
        action = "start"
    for begun in (first, second):
        imports.client.post(f"{PATH}/{begun}/{action}")
    other = twin.begin(content).json["id"]
    twin.client.post(f"{PATH}/{other}/validate")
    where, name = (chunks, "run_chunk") if all_or_nothing else (worker, "read_file")
    real, held = getattr(where, name), []

    def hold(*given: Any, **named: Any) -> Any:
        if imports.company_id == current().company_id and not held:
            held.append(None)
            # It would go on for ever if the other tenant had to wait for it.
            wait_until(lambda: twin.get(other)["state"] == "awaiting_confirmation", 60)
            # Its own next import is not begun meanwhile, so that it takes one place however many it has.
            assert imports.get(second)["state"] == ("running" if all_or_nothing else "validating")
        return real(*given, **named)

    monkeypatch.setattr(where, name, hold)
    imports.work()
    done = {imports.get(begun)["state"] for begun in (first, second)}
    assert held
    assert done == {"completed" if all_or_nothing else "awaiting_confirmation"}
