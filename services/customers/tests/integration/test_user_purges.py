"""Members who were purged: nothing of the person is kept, their records go on without them, once and in steps."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event as Flag

import psycopg
import pytest

from chassis.context import Context, acting_as
from chassis.events import decode
from chassis.purges import BATCH
from chassis.testing.events import assert_each_follows, hand_to
from chassis.testing.purges import naming_users, seen_to
from customers.commands.user_purges import PURGES
from customers.handlers import SUBSCRIPTIONS
from customers.models import USERS, metadata

ANN, BOB, EVE, STRANGER = 7, 9, 10, 99
FORMER = ("Former user", None, False)


@pytest.fixture
def people(superuser, company_id):
    for user_id in (ANN, BOB, EVE):
        superuser.execute(
            "INSERT INTO user_refs (company_id, user_id, membership_id, version, name, email)"
            " VALUES (%s, %s, %s, 1, 'Somebody', 'somebody@acme.example')",
            (company_id, user_id, user_id),
        )


@pytest.fixture
def owned(superuser, company_id, people):
    """Customers of Bob's, archived ones among them, and one that he has made for Eve."""

    def make(count):
        superuser.execute(
            """
            INSERT INTO customers (company_id, customer_code, name, assigned_to, created_by, archived_at)
            SELECT %(company)s, 'x' || n, 'x' || n, CASE n WHEN 1 THEN 10 ELSE 9 END, CASE n %% 2 WHEN 1 THEN 9 END,
                CASE WHEN n <= 2 THEN now() END
            FROM generate_series(1, %(count)s) n
            """,
            {"company": company_id, "count": count},
        )

    return make


@pytest.fixture
def event_of(company_id, contracts):
    """Identity's published example of an event, about Bob's membership."""

    def build(action, version, membership=BOB, **data):
        example = decode(contracts.example(f"crm.user_company.{action}.v1"))
        sides = {
            side: None if example.data[side] is None else {**example.data[side], "user_id": BOB}
            for side in ("before", "after")
        }
        return replace(
            example,
            id=str(uuid.uuid4()),
            subject=f"user_companies/{membership}",
            company_id=company_id,
            aggregate_version=version,
            actor=ANN,
            data={**example.data, **sides, **data},
        )

    return build


@pytest.fixture
def hear(database):
    def take(event):
        hand_to(SUBSCRIPTIONS.handlers, database, event)
        return event

    return take


@pytest.fixture
def purge(hear, event_of):
    """Hear that Bob was purged; answers the event."""

    def take(transfer_to=None, activities="keep", version=3):
        return hear(event_of("purged", version, transfer_to=transfer_to, activities=activities))

    return take


@pytest.fixture
def work(database):
    return lambda: PURGES.work(database, Flag())


@pytest.fixture
def known(superuser, company_id):
    def read(user_id=BOB):
        query = "SELECT name, email, is_active FROM user_refs WHERE company_id = %s AND user_id = %s"
        return superuser.execute(query, (company_id, user_id)).fetchone()

    return read


@pytest.fixture
def named(superuser, company_id):
    """How many customers name each user, as (assigned_to, created_by)."""

    def count():
        query = "SELECT assigned_to, created_by, count(*) FROM customers WHERE company_id = %s GROUP BY 1, 2"
        return {(row[0], row[1]): row[2] for row in superuser.execute(query, (company_id,)).fetchall()}

    return count


@pytest.fixture
def unfinished(superuser, company_id):
    def count():
        query = "SELECT count(*) FROM user_purges WHERE company_id = %s AND finished_at IS NULL"
        return superuser.execute(query, (company_id,)).fetchone()[0]

    return count


def test_everything_goes_to_who_was_named(*, owned, purge, work, named, published, known, unfinished, validate_event):
    owned(250)
    event = purge(transfer_to=EVE)
    assert known() == FORMER
    work()
    assert named() == {(EVE, None): 250}
    assert unfinished() == 0
    events = published()
    assert len(events) == 250
    for each in events:
        validate_event(each)
        assert each["type"] == "crm.customer.updated.v1"
        assert (each["causationid"], each["actor"]) == (event.id, str(ANN))
        assert each["operation"].startswith("user_purges/")
    assert_each_follows(events, untold=("customers",))


def test_without_an_heir_they_are_nobodys(owned, purge, work, named):
    owned(5)
    purge()
    work()
    assert named() == {(None, None): 4, (EVE, None): 1}


def test_an_heir_who_is_gone_by_then_gets_nothing(*, owned, purge, work, named, superuser, company_id):
    owned(3)
    superuser.execute("UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = 10", (company_id,))
    purge(transfer_to=EVE)
    work()
    assert named() == {(None, None): 2, (EVE, None): 1}


def test_it_waits_for_an_heir_of_whom_nothing_is_known_yet(
    *, owned, purge, work, named, unfinished, superuser, company_id
):
    owned(3)
    purge(transfer_to=STRANGER)
    work()
    assert (unfinished(), named()[BOB, None]) == (1, 1)
    superuser.execute(
        "INSERT INTO user_refs (company_id, user_id, membership_id, version) VALUES (%s, %s, 99, 1)",
        (company_id, STRANGER),
    )
    work()
    assert unfinished() == 0
    assert named() == {(STRANGER, None): 2, (EVE, None): 1}


def test_contacts_name_their_maker_no_more(*, owned, purge, work, superuser, company_id, published):
    owned(3)
    superuser.execute(
        "INSERT INTO contacts (company_id, customer_id, first_name, created_by)"
        " SELECT company_id, id, 'Ada', 9 FROM customers WHERE company_id = %s AND customer_code = 'x3'",
        (company_id,),
    )
    purge()
    work()
    query = "SELECT created_by, version FROM contacts WHERE company_id = %s"
    assert superuser.execute(query, (company_id,)).fetchall() == [(None, 2)]
    assert [each["type"] for each in published()].count("crm.contact.updated.v1") == 1


def test_the_same_event_again_has_no_effect(*, owned, purge, work, hear, named, published):
    owned(5)
    event = purge(transfer_to=EVE)
    hear(event)
    work()
    before = published()
    hear(event)
    work()
    assert published() == before
    assert len(before) == 5


@pytest.mark.parametrize("action", ["created", "updated", "activated", "deactivated"])
def test_an_older_event_that_comes_late_brings_nobody_back(*, purge, hear, event_of, known, people, action):
    purge()
    hear(event_of(action, 2))
    assert known() == FORMER


def test_a_purge_of_who_was_never_known_keeps_the_late_ones_out(purge, hear, event_of, known):
    purge()
    hear(event_of("created", 1))
    assert known() == FORMER


def test_no_answer_of_identity_brings_anybody_back(*, people, purge, known, database, company_id, event_of):
    purge()
    document = {**event_of("updated", 2).data["after"], "id": BOB, "user_id": BOB, "version": 2}
    with acting_as(Context(company_id=company_id, request_id="r")), database.transaction() as session:
        assert not USERS.save(session, document)
        assert not USERS.repair(session, document, (BOB, 3))
        assert not USERS.repair(session, document, (BOB, 1))
        assert not USERS.deactivate(session, BOB, (BOB, 3))
    assert known() == FORMER


def test_who_joins_again_is_known_again_and_keeps_what_they_have(
    *, owned, purge, work, hear, event_of, known, unfinished, named
):
    owned(3)
    purge(transfer_to=EVE)
    joined = event_of("created", 1, membership=BOB + 1000)
    hear(replace(joined, data={**joined.data, "after": {**joined.data["after"], "status": "active"}}))
    assert known()[2]
    work()
    assert unfinished() == 0
    assert named()[BOB, None] == 1


class DiedError(Exception):
    """The process ended here."""


def test_a_worker_that_dies_between_two_steps_loses_and_repeats_nothing(
    *, owned, purge, work, database, named, published, unfinished, company_id, superuser
):
    owned(2 * BATCH + 5)
    purge(transfer_to=EVE)
    (purge_id,) = superuser.execute("SELECT id FROM user_purges WHERE company_id = %s", (company_id,)).fetchone()
    context = Context(company_id=company_id, request_id="r", user_id=ANN)
    with acting_as(context), database.transaction() as session:
        assert PURGES.step(session, purge_id)
    with pytest.raises(DiedError), acting_as(context), database.transaction() as session:  # noqa: PT012  # The death.
        PURGES.step(session, purge_id)
        raise DiedError
    assert (named()[EVE, None], len(published())) == (BATCH, BATCH)
    work()
    assert named() == {(EVE, None): 2 * BATCH + 5}
    assert len(published()) == 2 * BATCH + 5
    assert unfinished() == 0


def test_two_workers_at_once_do_each_thing_once(*, owned, purge, database, named, published, at_once):
    owned(2 * BATCH)
    purge(transfer_to=EVE)
    at_once(*[lambda: PURGES.work(database, Flag())] * 2)
    assert named() == {(EVE, None): 2 * BATCH}
    assert_each_follows(published(), untold=("customers",))


def test_another_company_keeps_its_records(*, owned, purge, work, superuser, company_id):
    other_company_id = company_id + 10**9
    owned(1)
    superuser.execute(
        "INSERT INTO user_refs (company_id, user_id, name) VALUES (%s, %s, 'Bob Jones')", (other_company_id, BOB)
    )
    superuser.execute(
        "INSERT INTO customers (company_id, customer_code, name, assigned_to, created_by) VALUES (%s, 'y', 'y', 9, 9)",
        (other_company_id,),
    )
    purge(transfer_to=EVE)
    work()
    query = "SELECT c.assigned_to, c.created_by, u.name FROM customers c JOIN user_refs u USING (company_id)"
    rows = superuser.execute(f"{query} WHERE c.company_id = %s AND u.user_id = 9", (other_company_id,)).fetchall()
    assert rows == [(BOB, BOB, "Bob Jones")]


def test_everything_that_names_users_is_thought_of():
    """A new column that names a user is handed on, emptied, or said here to stay: who did something once."""
    assert naming_users(metadata) - seen_to(PURGES) == {
        "conversion_results.created_by",
        "customer_duplicates.dismissed_by",
        "customer_exports.created_by",
        "customer_imports.created_by",
        "customer_merges.created_by",
        "customer_transfers.user_id",
    }


def test_what_somebody_hands_on_meanwhile_is_left_as_they_want_it(
    *, owned, purge, database, named, published, superuser, company_id, urls
):
    owned(3)
    superuser.execute("UPDATE customers SET created_by = NULL WHERE company_id = %s", (company_id,))
    purge(transfer_to=EVE)
    with psycopg.connect(urls.superuser) as other, ThreadPoolExecutor(1) as pool:
        other.execute("UPDATE customers SET assigned_to = 7 WHERE company_id = %s AND assigned_to = 9", (company_id,))
        working = pool.submit(PURGES.work, database, Flag())
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%customers%'"
        while not working.done() and superuser.execute(waiting).fetchone() is None:
            time.sleep(0.01)
        other.commit()
        working.result(30)
    PURGES.work(database, Flag())
    assert named() == {(ANN, None): 2, (EVE, None): 1}
    assert published() == []
