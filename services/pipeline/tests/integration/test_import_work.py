"""What the worker does with files of leads and of deals alike: it stops and goes on, and takes all of it back."""

import threading

import pytest

from imports.engine import lifecycle


@pytest.fixture(params=["leads", "deals"])
def kind(request, imports, deal_imports, customer):
    """Imports of a kind, the name of its records, and a file with so many of them."""
    if request.param == "leads":
        return imports, "lead_name", lambda names: imports.table(("Lead name",), *((name,) for name in names))
    customer_id = str(customer())
    header = ("Deal name", "CRM customer id", "Amount")

    def file(names):
        return deal_imports.table(header, *((name, customer_id, "1.00") for name in names))

    return deal_imports, "deal_name", file


def names_of(imports, name):
    return sorted(row[name] for row in imports.client.get(f"/v1/{imports.noun}?limit=100").json["data"])


def test_a_worker_that_stops_goes_on_where_it_was_and_each_row_comes_once(kind, monkeypatch):
    imports, name, file = kind
    monkeypatch.setattr(lifecycle, "CHUNK", 5)
    wanted = [f"R{number}" for number in range(23)]
    begun = imports.begin(file(wanted)).json["id"]
    imports.step(begun, "validate")
    assert imports.client.post(f"{imports.path}/{begun}/start").status_code == 202
    workers = [threading.Thread(target=imports.work, args=(threading.Event(),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    imports.work(threading.Event())
    assert imports.client.get(f"{imports.path}/{begun}").json["state"] == "completed"
    assert names_of(imports, name) == sorted(wanted)


class DiedError(BaseException):
    """The process ended before it could commit."""


def test_a_chunk_whose_worker_died_has_not_happened_and_comes_again(kind, monkeypatch):
    imports, name, file = kind
    monkeypatch.setattr(lifecycle, "CHUNK", 2)
    begun = imports.begin(file(["A", "B", "C", "D", "E"])).json["id"]
    imports.step(begun, "validate")
    assert imports.client.post(f"{imports.path}/{begun}/start").status_code == 202
    engine = __import__("imports.engine.chunks", fromlist=["chunks"])
    keep, calls = engine.keep_errors, []

    def die(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise DiedError
        keep(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(engine, "keep_errors", die)
        with pytest.raises(DiedError):
            imports.work(threading.Event())
    assert len(names_of(imports, name)) < 5
    imports.work(threading.Event())
    assert imports.client.get(f"{imports.path}/{begun}").json["state"] == "completed"
    assert names_of(imports, name) == ["A", "B", "C", "D", "E"]


@pytest.mark.parametrize("at_once", [False, True])
def test_what_an_import_has_created_goes_by_its_revert(*, kind, monkeypatch, told, at_once):
    imports, name, file = kind
    monkeypatch.setattr(lifecycle, "CHUNK", 2)
    done = imports.run(file(["A", "B", "C", "D", "E"]), all_or_nothing=at_once)
    assert (done["state"], done["created_rows"]) == ("completed", 5), imports.errors(done["id"])
    touched = imports.client.get(f"/v1/{imports.noun}?{name}=C").json["data"][0]
    path = f"/v1/{imports.noun}/{touched['id']}"
    assert imports.client.patch(path, json={"notes": "mine"}, version=1).status_code == 200
    back = imports.step(done["id"], "revert")
    assert (back["state"], back["reverted_rows"], back["kept_rows"]) == ("reverted", 4, 1)
    assert names_of(imports, name) == ["C"]
    noun = imports.noun[:-1]
    kinds = [event["type"] for event in told(imports.noun)]
    assert kinds.count(f"crm.{noun}.created.v1") == 5
    assert kinds.count(f"crm.{noun}.purged.v1") == 4


@pytest.mark.parametrize("chunk", [1, 100])
def test_rows_about_a_record_that_a_row_above_makes_are_validated_as_they_run(*, imports, company, monkeypatch, chunk):
    monkeypatch.setattr(lifecycle, "CHUNK", chunk)
    company("EUR")
    done = imports.run(
        imports.table(
            ("Lead name", "Email", "Currency"),
            ("Ada", "ada@byron.example", ""),
            ("Ada", "ada@byron.example", "EUR"),
            ("Ada", "ada@byron.example", "USD"),
        ),
        mode="upsert",
        match_by="email",
    )
    assert [done[f"{what}_rows"] for what in ("created", "unchanged", "updated")] == [1, 1, 1]


@pytest.mark.parametrize("chunk", [1, 100])
def test_rows_about_a_deal_that_a_row_above_makes_are_validated_as_they_run(
    *, deal_imports, customer, company, monkeypatch, chunk
):
    monkeypatch.setattr(lifecycle, "CHUNK", chunk)
    company("EUR")
    mine, theirs = str(customer()), str(customer())
    done = deal_imports.run(
        deal_imports.table(
            ("Deal name", "CRM customer id", "Stage", "Amount", "Currency", "Probability"),
            ("Open", mine, "Proposal", "", "", ""),
            ("Open", mine, "Proposal", "0.00", "EUR", "50%"),
            ("Open", mine, "Negotiation", "7", "EUR", "60%"),
            ("Open", theirs, "Proposal", "8", "", ""),
            ("Won", mine, "Closed Won", "9", "", "20%"),
            ("Won", mine, "Closed Won", "9.0", "", "100%"),
            ("Won", mine, "Closed Won", "9", "", "20%"),
        ),
        mode="upsert",
        match_by="deal_name",
    )
    counts = [done[f"{what}_rows"] for what in ("created", "unchanged", "updated", "failed")]
    errors = [(error["line"], error["code"]) for error in deal_imports.errors(done["id"])]
    assert (counts, sorted(errors)) == ([2, 2, 1, 2], [(5, "customer_mismatch"), (8, "deal_closed")])
