"""What a validation counts is what the run does: of random files, whatever their rows do to each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imports.engine import lifecycle

PATH = "/v1/customers/imports"
COUNTS = ("created_rows", "updated_rows", "unchanged_rows", "failed_rows")
EMAILS = ("", "a@ahorn.example", "A@Ahorn.example", "b@ahorn.example", "ada@x.example")
CITIES = ("", "", "Bonn", "Rome")
# Few values each, so that rows meet in every way that they can.
POOLS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "customer": {
        "id": ("", "", "@0", "@1"),
        "customer_code": ("", "", "K-0", "K-1", "K-2", "C-000001"),
        "name": ("", "Müller", "Mueller", "Muller", "Ada"),
        "company_name": ("", "", "Ahorn GmbH", "Ahorn"),
        "email": EMAILS,
        "phone": ("", "", "+49 30 555000 ext. 11", "+49 30 555000 ext. 12", "030 555000", "(312) 555-0142"),
        "country": ("", "", "Germany", "United States"),
        "website": ("", "", "ahorn.example", "https://www.ahorn.example/about"),
        "customer_type": ("", "", "business", "individual", "nonsense"),
        "city": CITIES,
        "tags": ("", "", "VIP; vip", "vip"),
        "credit_limit": ("", "", "100", "100.00"),
    },
    "contact": {
        "id": ("", "", "#0", "#1"),
        "name": ("", "Anna Berg", "Ben Ode"),
        "email": EMAILS,
        "phone": ("", "", "030 555000", "555-0142"),
        "job_title": ("", "", "CEO", "Buyer"),
        "customer_code": ("", "", "K-0", "K-1", "K-2"),
        "company_name": ("", "Ahorn GmbH", "Ahorn", "Müller", "Nobody"),
        "website": ("", "", "ahorn.example"),
    },
    "customer_and_contact": {
        "first_name": ("", "Anna", "anna", "Ben"),
        "last_name": ("", "Berg", "Ode"),
        "email": EMAILS,
        "phone": ("", "", "030 555000"),
        "job_title": ("", "", "CEO", "Buyer"),
        "contact_code": ("", "", "", "P-1", "P-2"),
        "customer_code": ("", "", "", "K-0", "K-1", "K-2"),
        "company_name": ("", "Ahorn GmbH", "Ahorn", "Anna Berg", "Müller", "Mueller"),
        "website": ("", "", "ahorn.example", "other.example"),
        "city": CITIES,
    },
}
KEYS = {
    "customer": ("id", "customer_code", "email"),
    "contact": ("id", "email"),
    "customer_and_contact": ("email",),
}


@dataclass(frozen=True)
class Case:
    """Customers and contacts that are there, and a file."""

    record_type: str
    customers: Sequence[Mapping[str, str]]
    contacts: Sequence[tuple[int, Mapping[str, str]]]
    merged: bool
    archived: bool
    duplicates: str
    options: Mapping[str, Any]
    chunk: int
    rows: Sequence[tuple[str, ...]]


def _records(pools: Mapping[str, Sequence[str]], *names: str, **always: st.SearchStrategy[str]) -> Any:
    given = {name: st.sampled_from(pools[name]) for name in names} | always
    return st.fixed_dictionaries(given).map(lambda values: {name: value for name, value in values.items() if value})


@st.composite
def cases(draw: st.DrawFn, record_type: str) -> Case:
    pools = POOLS[record_type]
    of_customer = POOLS["customer"]
    # What there is in the pools but ids and codes of the service's own, which nobody can give.
    customers = draw(
        st.lists(
            _records(
                of_customer,
                "company_name",
                "email",
                "phone",
                "country",
                "website",
                name=st.sampled_from((*of_customer["name"][1:], "Ahorn")),
            ),
            max_size=3,
        )
    )
    people = _records(POOLS["contact"], "email", "phone", first_name=st.sampled_from(("Anna", "Ben")))
    contacts = st.lists(st.tuples(st.integers(0, len(customers) - 1), people), max_size=3) if customers else st.just([])
    mode = draw(st.sampled_from(lifecycle.MODES))
    options = {
        "mode": mode,
        "match_by": None if mode == lifecycle.CREATE else draw(st.sampled_from(KEYS[record_type])),
        "on_unknown": draw(st.sampled_from(lifecycle.ON_UNKNOWN)),
        "all_or_nothing": draw(st.integers(0, 3)) == 0,
    }
    rows = st.lists(st.tuples(*map(st.sampled_from, pools.values())), min_size=1, max_size=7)
    return Case(
        record_type,
        customers,
        draw(contacts),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from(("warn", "block", "allow"))),
        options,
        draw(st.sampled_from((1, 2, 1000))),
        draw(rows),
    )


class Companies:
    """New companies, each with the customers and contacts of a case."""

    def __init__(self, imports_of: Callable[[int], Any], superuser: psycopg.Connection, company_id: int) -> None:
        self._imports_of = imports_of
        self._superuser = superuser
        self._ids = count(company_id + 2 * 10**12, 10**12)

    def begin(self, case: Case) -> tuple[Any, Mapping[str, int]]:
        company_id = next(self._ids)
        self._superuser.execute(
            "INSERT INTO company_refs (company_id, version, region, settings)"
            " VALUES (%s, 1, 'DE', jsonb_build_object('duplicates', %s::text))",
            (company_id, "allow"),
        )
        imports = self._imports_of(company_id)
        ids: dict[str, int] = {}
        known = [
            imports.client.post("/v1/customers", json={**values, "customer_code": f"K-{number}"})
            for number, values in enumerate(case.customers)
        ]
        for number, answer in enumerate(known):
            if answer.status_code == 201:  # Another one may be called so already.
                ids[f"@{number}"] = answer.json["id"]
        for number, (of, values) in enumerate(case.contacts):
            if f"@{of}" in ids:
                made = imports.client.post(f"/v1/customers/{ids[f'@{of}']}/contacts", json=values)
                assert made.status_code == 201, made.text
                ids[f"#{number}"] = made.json["id"]
        if case.merged and {"@0", "@1"} <= ids.keys():
            body = {"from": [{"id": ids["@1"], "version": self._version(imports, ids["@1"])}], "fields": {}}
            path = f"/v1/customers/{ids['@0']}"
            merged = imports.client.post(f"{path}/merge", json=body, version=self._version(imports, ids["@0"]))
            # Refused where a third one has the name that would come of it.
            assert merged.status_code == 200 or merged.json["code"] == "customer_exists", merged.text
        elif case.archived and "@1" in ids:
            path = f"/v1/customers/{ids['@1']}"
            gone = imports.client.delete(path, version=self._version(imports, ids["@1"]))
            assert gone.status_code in (200, 204), gone.text
        settings_now = (
            "UPDATE company_refs SET settings = jsonb_build_object('duplicates', %s::text) WHERE company_id = %s"
        )
        self._superuser.execute(settings_now, (case.duplicates, company_id))
        return imports, ids

    @staticmethod
    def _version(imports: Any, customer_id: int) -> int:
        version: int = imports.client.get(f"/v1/customers/{customer_id}").json["version"]
        return version


@pytest.fixture
def companies(imports_of: Callable[[int], Any], superuser: psycopg.Connection, company_id: int) -> Companies:
    return Companies(imports_of, superuser, company_id)


def faults_of(imports: Any, import_id: int) -> list[tuple[int, str]]:
    return sorted((error["line"], error["code"]) for error in imports.errors(import_id))


def hold_to_the_run(companies: Companies, case: Case) -> None:
    imports, ids = companies.begin(case)
    header = tuple(POOLS[case.record_type])
    rows = [
        tuple(str(ids.get(cell, 999_999)) if cell[:1] in "@#" and cell else cell for cell in row) for row in case.rows
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lifecycle, "CHUNK", case.chunk)
        begun = imports.begin(imports.table(header, *rows), record_type=case.record_type, **case.options).json
        body = {"mapping": {name: name for name in header}}
        mapped = imports.client.patch(f"{PATH}/{begun['id']}", json=body, version=begun["version"])
        assert mapped.status_code == 200, mapped.text
        validated = imports.step(begun["id"], "validate")
        assert validated["state"] == "awaiting_confirmation", validated
        faults = faults_of(imports, begun["id"])
        counted = {name: validated[name] for name in COUNTS}
        if case.options["all_or_nothing"] and validated["failed_rows"]:
            assert imports.client.post(f"{PATH}/{begun['id']}/start").json["code"] == "rows_with_faults"
            return
        done = imports.step(begun["id"], "start")
        assert counted == {name: done[name] for name in COUNTS}, (faults, imports.errors(begun["id"]))
        assert faults == faults_of(imports, begun["id"])


def drawn(record_type: str, examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same files every time: nobody is to look for a fault that came by chance."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        fixed = settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        return fixed(given(case=cases(record_type))(test))

    return decorate


@drawn("customer", 10)
def test_customers_are_counted_as_they_come_in(companies: Companies, case: Case) -> None:
    hold_to_the_run(companies, case)


@drawn("contact", 6)
def test_contacts_are_counted_as_they_come_in(companies: Companies, case: Case) -> None:
    hold_to_the_run(companies, case)


@drawn("customer_and_contact", 10)
def test_companies_and_people_are_counted_as_they_come_in(companies: Companies, case: Case) -> None:
    hold_to_the_run(companies, case)


@pytest.mark.long
@pytest.mark.parametrize("record_type", list(POOLS))
def test_many_more_files_are_counted_as_they_come_in(companies: Companies, record_type: str) -> None:
    @drawn(record_type, 150)
    def search(case: Case) -> None:
        hold_to_the_run(companies, case)

    search()
