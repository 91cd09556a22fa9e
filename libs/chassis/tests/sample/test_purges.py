"""What becomes of records that name somebody, or something, that was purged elsewhere: in steps, each with its event."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

import psycopg
import pytest

from chassis.context import Context, acting_as
from chassis.purges import BATCH
from chassis.testing.events import assert_each_follows
from chassis.testing.purges import naming_users, seen_to
from chassis.testing.waiting import wait_until
from sample.commands.user_purges import PURGES
from sample.handlers import purge_authors
from sample.models import USERS, metadata

ANN, BOB, EVE, STRANGER = 7, 9, 10, 99
FORMER = ("Former user", None, False)


@pytest.fixture
def owned(known, fill, superuser, company_id):
    """Books that Bob looks after and has made, on a shelf of his."""

    def make(count):
        known(ANN, BOB, EVE)
        superuser.execute("UPDATE shelves SET created_by = 9 WHERE company_id = %s", (company_id,))
        fill(count, assigned_to=str(BOB), created_by=str(BOB))

    return make


@pytest.fixture
def hear_purge(hear):
    """Hear that Bob was purged by Ann; answers the event."""

    def take(transfer_to=None, **again):
        user = {"first_name": "Former", "last_name": "user", "email": "", "is_active": False}
        before = {"user_id": BOB, "user": user, "status": "deactivated"}
        more = {"transfer_to": transfer_to, "activities": "keep"}
        return hear("user_company.purged", BOB, 3, before=before, **more, **again)

    return take


@pytest.fixture
def work(database):
    return lambda: PURGES.work(database, Flag())


@pytest.fixture
def purge(hear_purge, work):
    """The same, and what follows is done."""

    def take(transfer_to=None, **again):
        event = hear_purge(transfer_to, **again)
        work()
        return event

    return take


@pytest.fixture
def kept(superuser, company_id):
    """What is kept of Bob: name, address, and whether he is active."""

    def read():
        query = "SELECT name, email, is_active FROM user_refs WHERE company_id = %s AND user_id = %s"
        return superuser.execute(query, (company_id, BOB)).fetchone()

    return read


@pytest.fixture
def unfinished(superuser, company_id):
    def count():
        query = "SELECT count(*) FROM user_purges WHERE company_id = %s AND finished_at IS NULL"
        return superuser.execute(query, (company_id,)).fetchone()[0]

    return count


@pytest.fixture
def named(superuser, company_id):
    """How many books name each user, as (assigned_to, created_by)."""

    def count():
        query = "SELECT assigned_to, created_by, count(*) FROM books WHERE company_id = %s GROUP BY 1, 2"
        return {row[:2]: row[2] for row in superuser.execute(query, (company_id,)).fetchall()}

    return count


@pytest.mark.parametrize("heir", [EVE, None])
def test_what_a_purged_user_had_goes_to_the_heir_and_names_its_maker_no_more(
    *, owned, purge, named, published, kept, unfinished, heir
):
    owned(2 * BATCH + 5)
    event = purge(heir)
    assert named() == {(heir, None): 2 * BATCH + 5}
    assert (kept(), unfinished()) == (FORMER, 0)
    events = published()[1:]
    assert [each["type"] for each in events].count("crm.shelf.updated.v1") == 1
    assert len(events) == 2 * BATCH + 6
    assert {each["causationid"] for each in events} == {event.id}
    assert_each_follows(events, untold=("books", "shelves"))
    purge(heir, again=event)
    assert len(published()) == len(events) + 1


def test_an_heir_who_is_gone_by_then_gets_nothing(owned, purge, named, known):
    owned(3)
    known(EVE, active=False)
    purge(EVE)
    assert named() == {(None, None): 3}


def test_it_waits_for_an_heir_of_whom_nothing_is_known_yet(*, owned, purge, work, named, unfinished, known):
    owned(3)
    purge(STRANGER)
    assert (unfinished(), named()) == (1, {(BOB, BOB): 3})
    known(STRANGER)
    work()
    assert (unfinished(), named()) == (0, {(STRANGER, None): 3})


@pytest.mark.parametrize("action", ["created", "updated", "activated", "deactivated"])
def test_an_older_event_that_comes_late_brings_nobody_back(purge, hear_of_user, kept, action):
    purge()
    hear_of_user(action, 2, BOB, BOB)
    assert kept() == FORMER


def test_no_answer_of_identity_brings_anybody_back(*, owned, purge, kept, database, company_id, hear_of_user):
    owned(1)
    purge()
    document = {**hear_of_user("updated", 2, BOB, BOB).data["after"], "id": BOB, "version": 2}
    with acting_as(Context(company_id=company_id, request_id="r")), database.transaction() as session:
        assert not USERS.save(session, document)
        assert not USERS.repair(session, document, (BOB, 3))
        assert not USERS.repair(session, document, (BOB, 1))
        assert not USERS.deactivate(session, BOB, (BOB, 3))
    assert kept() == FORMER


def test_who_joins_again_is_known_again_and_keeps_what_they_have(
    *, owned, hear_purge, work, hear_of_user, kept, unfinished, named
):
    owned(3)
    hear_purge(EVE)
    hear_of_user("created", 1, BOB, BOB + 1000)
    assert kept()[2]
    work()
    assert (unfinished(), named()) == (0, {(BOB, BOB): 3})


class DiedError(Exception):
    """The process ended here."""


def test_a_worker_that_dies_between_two_steps_loses_and_repeats_nothing(
    *, owned, hear_purge, work, database, named, published, unfinished, company_id, superuser
):
    owned(2 * BATCH + 5)
    hear_purge(EVE)
    (purge_id,) = superuser.execute("SELECT id FROM user_purges WHERE company_id = %s", (company_id,)).fetchone()
    context = Context(company_id=company_id, request_id="r", user_id=ANN)
    with acting_as(context), database.transaction() as session:
        assert PURGES.step(session, purge_id)
    done = (named(), len(published()))
    with pytest.raises(DiedError), acting_as(context), database.transaction() as session:  # noqa: PT012  # The death.
        PURGES.step(session, purge_id)
        raise DiedError
    assert (named(), len(published())) == done
    work()
    assert (named(), unfinished()) == ({(EVE, None): 2 * BATCH + 5}, 0)
    assert_each_follows(published()[1:], untold=("books", "shelves"))


def test_two_workers_at_once_do_each_thing_once(*, owned, hear_purge, work, named, published, at_once):
    owned(2 * BATCH)
    hear_purge(EVE)
    at_once(work, work)
    assert named() == {(EVE, None): 2 * BATCH}
    assert_each_follows(published()[1:], untold=("books", "shelves"))


def test_another_company_keeps_its_records(*, owned, purge, known, superuser, company_id):
    other = company_id + 10**9
    owned(1)
    known(BOB, company=other)
    superuser.execute("INSERT INTO shelves (company_id, name, created_by) VALUES (%s, 'Poetry', 9)", (other,))
    purge(EVE)
    query = "SELECT s.created_by, u.name FROM shelves s JOIN user_refs u USING (company_id) WHERE s.company_id = %s"
    assert superuser.execute(query, (other,)).fetchall() == [(BOB, "User 9")]


def test_what_somebody_hands_on_meanwhile_is_left_as_they_want_it(
    *, owned, hear_purge, work, named, published, superuser, company_id, urls
):
    owned(3)
    for table in ("books", "shelves"):
        superuser.execute(f"UPDATE {table} SET created_by = NULL WHERE company_id = %s", (company_id,))  # noqa: S608  # Of constants.
    hear_purge(EVE)
    with psycopg.connect(urls.superuser) as other, ThreadPoolExecutor(1) as pool:
        other.execute("UPDATE books SET assigned_to = 7 WHERE company_id = %s AND assigned_to = 9", (company_id,))
        working = pool.submit(work)
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%books%'"
        wait_until(lambda: working.done() or superuser.execute(waiting).fetchone(), 60)
        other.commit()
        working.result(30)
    work()
    assert named() == {(ANN, None): 3}
    assert len(published()) == 1


def test_every_column_that_names_a_user_is_thought_of():
    assert naming_users(metadata) - seen_to(PURGES) == {"book_exports.created_by", "book_transfers.user_id"}


def test_a_purged_author_is_taken_out_of_their_books_and_forgotten_then(
    *, hear, fill, client, database, published, superuser, company_id
):
    author = {"id": 3, "name": "Ada", "archived_at": None}
    hear("author.created", 3, 1, after=author)
    fill(150, author_id="3", archived_at="CASE WHEN n <= 2 THEN now() END")
    event = hear("author.purged", 3, 2, before=author)
    shelf_id = client.get("/v1/shelves").json["data"][0]["id"]
    values = {"shelf_id": shelf_id, "title": "x", "author_id": 3}
    assert client.post("/v1/books", json=values).json["code"] == "author_archived"
    purge_authors(database, Flag())
    assert client.get("/v1/books?author_id=3&include=total").json["page"]["total"] == 0
    told = published(event_type="crm.book.updated.v1")
    assert len({each["subject"] for each in told}) == len(told) == 150
    assert {each["causationid"] for each in told} == {event.id}
    assert superuser.execute("SELECT FROM author_refs WHERE company_id = %s", (company_id,)).fetchone() is None
    hear("author.updated", 3, 1, after=author)
    assert client.post("/v1/books", json=values).json["code"] == "unknown_author"
