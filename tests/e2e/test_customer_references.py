"""References to customers: asked for and rebuilt from the real customers service, over real HTTP, by a sample."""

import uuid

import pytest

from chassis.config import Settings
from chassis.context import Context, acting_as
from chassis.references.asking import References
from chassis.references.resync import Resync
from chassis.service_client import ServiceClient
from chassis.testing.fixtures import Client
from chassis.testing.referring import CUSTOMERS, REFERENCES, referring


@pytest.fixture
def sample(postgres_url):
    with referring(postgres_url) as databases:
        yield databases


@pytest.fixture
def owners(identity, customers_serving):
    """Where the two services are that the sample asks."""
    customers_serving.asked.clear()
    customers_serving.meanwhile = lambda: None
    return {"identity": identity, "customers": customers_serving}


@pytest.fixture
def create(applications, tokens, company_id):
    """Create a customer of a company; answers its document."""

    def make(of_company=company_id):
        token = tokens.sign(company_id=of_company, sub="7", scope="customers:read customers:write customers:purge")
        client = Client(applications["customers"].test_client(), token)
        answer = client.post("/v1/customers", json={"name": f"Ada {uuid.uuid4()}", "credit_limit": "12.30"})
        assert answer.status_code == 201, answer.json
        return answer.json

    return make


@pytest.fixture
def references(sample, owners, service_key):
    urls = " ".join(f"{name}={owner.url}" for name, owner in owners.items())
    settings = Settings(database_url="-", service_urls=urls, service_key=service_key)
    return References(REFERENCES, settings, sample.app)


@pytest.fixture
def resync(sample, owners, service_key, company_id):
    """Rebuild the sample's references, three rows to a page; answers what became of customers."""

    def run(**options):
        neighbours = {name: ServiceClient(name, owner.url, service_key, seconds=10) for name, owner in owners.items()}
        summary = Resync(sample.owner, neighbours, REFERENCES, lambda _: None, size=3, **options).run()
        return {what: count for (kind, what), count in summary.items() if kind == "customer"}

    return run


@pytest.fixture
def kept(sample, company_id):
    def look(*ids):
        with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
            return CUSTOMERS.find(session, ids)

    return look


@pytest.fixture
def keep(sample, company_id):
    def save(document):
        with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
            return CUSTOMERS.save(session, document)

    return save


def test_what_is_missed_is_asked_for_once_for_all_and_kept(*, references, create, kept, owners, company_id):
    ours, theirs = [create() for _ in range(3)], create(company_id + 10**12)
    wanted = [("customer", each["id"]) for each in (*ours, theirs)]
    with acting_as(Context(company_id=company_id, request_id="test-request")):
        references.fetch(wanted)
    found = kept(*(number for _, number in wanted))
    assert {number: (row["name"], str(row["credit_limit"]), row["version"]) for number, row in found.items()} == {
        each["id"]: (each["name"], "12.30", 1) for each in ours
    }
    assert owners["customers"].asked == [f"/internal/customers/{company_id}"]
    assert owners["identity"].asked == []


def test_what_was_purged_while_the_owner_answered_is_not_kept(*, references, create, kept, owners, sample, company_id):
    customer = create()

    def purge():
        with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
            CUSTOMERS.remove(session, customer["id"], 2)

    owners["customers"].meanwhile = purge
    with acting_as(Context(company_id=company_id, request_id="test-request")):
        references.fetch([("customer", customer["id"])])
    assert kept(customer["id"]) == {}


def test_a_resync_repairs_and_leaves_what_the_owner_does_not_know_unless_it_is_told_to_remove(
    *, resync, create, keep, kept
):
    missing, stale, ahead = ([create() for _ in range(3)] for _ in range(3))
    for each in stale:
        keep(each | {"version": 0, "name": "Stale"})
    for each in ahead:
        keep(each | {"version": 99, "name": "Ahead"})
    gone = {"id": missing[-1]["id"] + 10**9, "version": 4, "name": "Gone", "credit_limit": "0.00"}
    keep(gone)
    assert resync()["unknown"] == 1
    everybody = [*missing, *stale, *ahead]
    found = kept(*(each["id"] for each in everybody), gone["id"])
    assert {number: (row["name"], row["version"]) for number, row in found.items()} == {
        each["id"]: (each["name"], 1) for each in everybody
    } | {gone["id"]: ("Gone", 4)}
    again = resync(remove=True)
    assert (again["changed"], again["removed"]) == (0, 1)
    assert kept(gone["id"]) == {}
    assert keep(gone) is False
    assert resync(remove=True) == {"seen": again["seen"], "changed": 0, "removed": 0}


def test_a_resync_removes_nothing_that_an_event_has_told_of_meanwhile(
    *, resync, create, keep, kept, owners, company_id
):
    gone = {"id": create()["id"] + 10**9, "version": 1, "name": "Gone", "credit_limit": "0.00"}
    keep(gone)

    def hear():
        if owners["customers"].asked[-1] == f"/internal/customers/{company_id}":
            keep(gone | {"version": 2, "name": "Back"})

    owners["customers"].meanwhile = hear
    assert resync(remove=True)["removed"] == 0
    assert kept(gone["id"])[gone["id"]]["name"] == "Back"


def test_a_service_says_itself_what_becomes_of_what_was_purged(*, resync, create, keep, kept):
    gone = {"id": create()["id"] + 10**9, "version": 3, "name": "Gone", "credit_limit": "0.00"}
    keep(gone)
    noted = []
    removers = {"customer": lambda _session, number, version: noted.append((number, version))}
    assert resync(remove=True, removers=removers)["removed"] == 1
    assert noted == [(gone["id"], 3)]
    assert gone["id"] in kept(gone["id"])
