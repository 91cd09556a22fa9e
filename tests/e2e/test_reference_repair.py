"""A resync against the real identity: whatever is wrong is repaired, and no event that comes meanwhile is undone."""

import socket

import pytest

from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.errors import Unavailable
from chassis.references.resync import Resync
from chassis.service_client import ServiceClient
from chassis.testing.databases import create_database, drop_database
from customers.models import REFERENCES, USERS


@pytest.fixture(scope="module")
def customers_urls(postgres_url):
    """A database of its own: a resync looks at every company that there is."""
    urls = create_database(postgres_url, "customers")
    yield urls
    drop_database(postgres_url, urls)


@pytest.fixture
def resync(customers_urls, identity, service_key):
    """Run a resync as the owner, three rows to a page; answers its summary."""
    database = Database(customers_urls.owner)

    def run():
        neighbour = ServiceClient("identity", identity.url, service_key, seconds=10)
        return Resync(database, {"identity": neighbour}, REFERENCES, lambda _: None, size=3).run()

    yield run
    database.dispose()


@pytest.fixture
def keep(customers_urls, company_id, membership):
    """Have the customers service know a user as an event would tell."""
    database = Database(customers_urls.app)

    def save(user_id, membership_id, version, name, *, is_active=True):
        with acting_as(Context(company_id=company_id)), database.transaction() as session:
            USERS.save(session, membership(user_id, membership_id, version, name, is_active=is_active))

    yield save
    database.dispose()


def test_a_resync_repairs_whatever_is_missing_stale_or_too_much_and_again_nothing(
    *, resync, hire, keep, kept, superuser, company_id
):
    missing, stale, wrong, ahead, gone = ([hire(company_id) for _ in range(3)] for _ in range(5))
    for user in stale:
        keep(user, 0, 1, "Stale One")
    for user in gone:
        keep(user + 10**10, 1, 1, "Gone One")
    resync()
    superuser.execute("UPDATE user_refs SET name = 'Wrong' WHERE user_id = ANY (%s)", (wrong,))
    superuser.execute("UPDATE user_refs SET version = 99, is_active = false WHERE user_id = ANY (%s)", (ahead,))
    superuser.execute("DELETE FROM user_refs WHERE user_id = ANY (%s)", (missing,))
    superuser.execute("UPDATE company_refs SET settings = '{\"x\": 1}' WHERE company_id = %s", (company_id,))
    summary = resync()
    assert (summary["user", "changed"], summary["user", "deactivated"], summary["company", "changed"]) == (9, 0, 1)
    assert {kept(user) for user in missing + stale + wrong + ahead} == {("Bob Jones", True, 3)}
    assert {kept(user + 10**10) for user in gone} == {("Gone One", False, 1)}
    summary = resync()
    assert (summary["user", "changed"], summary["user", "deactivated"], summary["company", "changed"]) == (0, 0, 0)
    assert summary["user", "seen"] >= 15


def test_a_company_that_identity_does_not_know_has_nobody_to_assign_to(resync, keep, kept):
    keep(5, 1, 1, "Number Five")
    resync()
    assert kept(5) == ("Number Five", False, 1)


def test_a_resync_overwrites_no_event_that_comes_while_identity_answers(
    *, resync, hire, keep, kept, identity, company_id
):
    """Neither of a member, whose state in the answer is older by then, nor of somebody who was none in the answer."""
    bob = hire(company_id)
    eve = bob + 10**10
    keep(bob, 1, 1, "Older Bob")
    keep(eve, 1, 1, "Eve Moore")

    def hear():
        if identity.asked[-1] == f"/internal/members/{company_id}":
            keep(bob, 2**40, 4, "Newer Bob", is_active=False)
            keep(eve, 2**40, 1, "Eve Back")

    identity.meanwhile = hear
    resync()
    assert (kept(bob), kept(eve)) == (("Newer Bob", False, 4), ("Eve Back", True, 1))


def test_a_resync_leaves_everything_as_it_is_when_identity_does_not_answer(
    customers_urls, keep, kept, monkeypatch, service_key
):
    keep(5, 1, 1, "Number Five")
    monkeypatch.setattr("chassis.references.resync.PAUSE_SECONDS", 0.01)
    database = Database(customers_urls.owner)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(Unavailable):
        Resync(database, {"identity": ServiceClient("identity", url, service_key)}, REFERENCES, lambda _: None).run()
    database.dispose()
    assert kept(5) == ("Number Five", True, 1)
