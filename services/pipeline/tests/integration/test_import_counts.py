"""What a validation of leads or deals counts is what the run does: of random files, whatever their rows do to each other."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.testing.importing import RecordImports
from imports.engine import lifecycle
from pipeline import handlers

COUNTS = ("created_rows", "updated_rows", "unchanged_rows", "failed_rows")
MOMENTS = ("", "", "2026-01-05 09:00", "2026-02-10T08:00:00Z")
AMOUNTS = ("", "", "100", "100.00", "7.5")
CURRENCIES = ("", "", "EUR", "eur", "USD", "JPY", "XXX")
POOLS = {
    "lead": {
        "id": ("", "", "", "@0", "@1"),
        "lead_name": ("", "Ada", "Bea"),
        "email": ("", "ada@x.example", "ADA@x.example", "bea@x.example"),
        "phone": ("", "", "030 555000", "+49 30 555000"),
        "stage_id": ("", "", "New", "Contacted", "lost", "Converted", "Nowhere"),
        "estimated_value": AMOUNTS,
        "currency": CURRENCIES,
        "priority": ("", "", "hot", "nonsense"),
        "closed_at": MOMENTS,
        "loss_reason": ("", "", "price"),
        "created_at": MOMENTS,
    },
    "deal": {
        "id": ("", "", "", "@0", "@1"),
        "deal_name": ("", "A", "A", "B"),
        "customer_id": ("", "1", "1", "2", "3"),
        "stage_id": ("", "", "Proposal", "Negotiation", "closedwon", "Closed Lost", "Nowhere"),
        "status": ("", "", "", "won", "lost", "open"),
        "deal_value": AMOUNTS,
        "currency": CURRENCIES,
        "probability": ("", "", "20%", "50"),
        "expected_close_date": ("", "", "2030-05-31", "2030-06-30"),
        "closed_at": MOMENTS,
        "loss_reason": ("", "", "price", "other"),
        "created_at": MOMENTS,
    },
}
KEYS = {"lead": ("id", "email"), "deal": ("id", "deal_name")}


@st.composite
def cases(draw, record_type):
    """Records that are there, the file of an import, how it is to be run, and in what chunks."""
    pools = POOLS[record_type]
    mode = draw(st.sampled_from(lifecycle.MODES))
    row = st.tuples(*map(st.sampled_from, pools.values()))
    options = {
        "mode": mode,
        "match_by": None if mode == lifecycle.CREATE else draw(st.sampled_from(KEYS[record_type])),
        "on_unknown": draw(st.sampled_from(lifecycle.ON_UNKNOWN)),
        "all_or_nothing": draw(st.integers(0, 3)) == 0,
    }
    there = draw(st.lists(row, max_size=3))
    return there, draw(st.lists(row, min_size=1, max_size=7)), options, draw(st.sampled_from((1, 2, 1000)))


@pytest.fixture
def new_imports(client_of, database, application, superuser, company_id):
    """The imports of leads or deals of a new company with three customers, of whom the third is archived."""
    ids = count(company_id + 2 * 10**12, 10**12)
    work = {
        "lead": lambda stop: handlers.work_on_lead_imports(database, stop),
        "deal": lambda stop: handlers.work_on_deal_imports(database, stop, application.references),
    }

    def make(record_type):
        new_id = next(ids)
        superuser.execute(
            "INSERT INTO company_refs (company_id, version, default_currency, time_zone) VALUES (%s, 1, 'EUR', 'UTC')",
            (new_id,),
        )
        superuser.execute(
            "INSERT INTO customer_refs (company_id, customer_id, version, name, archived_at)"
            " SELECT %s, n, 1, 'Ada', CASE WHEN n = 3 THEN now() END FROM generate_series(1, 3) n",
            (new_id,),
        )
        noun = f"{record_type}s"
        scope = f"{noun}:read {noun}:write {noun}:import customers:read"
        return RecordImports(client_of(new_id, scope), noun, work[record_type])

    return make


def begin(imports, header, rows, **options):
    begun = imports.begin(imports.table(header, *rows), **options).json
    body = {"mapping": {name: name for name in header}}
    mapped = imports.client.patch(f"{imports.path}/{begun['id']}", json=body, version=begun["version"])
    assert mapped.status_code == 200, mapped.text
    return begun["id"]


def faults_of(imports, import_id):
    return sorted((error["line"], error["code"]) for error in imports.errors(import_id))


def hold_to_the_run(new_imports, record_type, case):
    there, rows, options, chunk = case
    header = tuple(POOLS[record_type])
    imports = new_imports(record_type)
    if there:
        seeds = [("", *row[1:]) for row in there]
        before = begin(imports, header, seeds, on_unknown="empty")
        imports.step(before, "validate")
        imports.step(before, "start")
    found = imports.client.get(f"/v1/{imports.noun}?limit=100&sort=created_at").json["data"]
    ids = {f"@{number}": str(record["id"]) for number, record in enumerate(found)}
    rows = [(ids.get(row[0], row[0] and "999999"), *row[1:]) for row in rows]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lifecycle, "CHUNK", chunk)
        begun = begin(imports, header, rows, **options)
        validated = imports.step(begun, "validate")
        assert validated["state"] == "awaiting_confirmation", validated
        faults = faults_of(imports, begun)
        if options["all_or_nothing"] and validated["failed_rows"]:
            refused = imports.client.post(f"{imports.path}/{begun}/start")
            assert refused.json["code"] == "rows_with_faults"
            return
        done = imports.step(begun, "start")
    assert {name: validated[name] for name in COUNTS} == {name: done[name] for name in COUNTS}, (
        faults,
        imports.errors(begun),
    )
    assert faults == faults_of(imports, begun)


def drawn(record_type, examples):
    """The same files every time: nobody is to look for a fault that came by chance."""
    fixed = settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    return lambda test: fixed(given(case=cases(record_type))(test))


@drawn("lead", 6)
def test_leads_are_counted_as_they_come_in(new_imports, case):
    hold_to_the_run(new_imports, "lead", case)


@drawn("deal", 6)
def test_deals_are_counted_as_they_come_in(new_imports, case):
    hold_to_the_run(new_imports, "deal", case)


@pytest.mark.long
@pytest.mark.parametrize("record_type", list(POOLS))
def test_many_more_files_are_counted_as_they_come_in(new_imports, record_type):
    @drawn(record_type, 150)
    def search(case):
        hold_to_the_run(new_imports, record_type, case)

    search()
