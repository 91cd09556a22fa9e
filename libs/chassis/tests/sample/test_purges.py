"""What becomes of records that name somebody, or something, that was purged elsewhere: in steps, each with its event."""

from threading import Event as Flag

import pytest

from chassis.purges import BATCH
from chassis.testing.events import assert_each_follows
from chassis.testing.purges import naming_users, seen_to
from sample.commands.user_purges import PURGES
from sample.handlers import purge_authors
from sample.models import metadata

ANN, BOB, EVE = 7, 9, 10


@pytest.fixture
def owned(known, fill, superuser, company_id):
    """Books that Bob looks after and has made, on a shelf of his."""

    def make(count):
        known(ANN, BOB, EVE)
        superuser.execute("UPDATE shelves SET created_by = 9 WHERE company_id = %s", (company_id,))
        fill(count, assigned_to=str(BOB), created_by=str(BOB))

    return make


@pytest.fixture
def purge(hear, database):
    """Hear that Bob was purged by Ann, and do what follows; answers the event."""

    def take(transfer_to=None, **again):
        user = {"first_name": "Former", "last_name": "user", "email": "", "is_active": False}
        before = {"user_id": BOB, "user": user, "status": "deactivated"}
        more = {"transfer_to": transfer_to, "activities": "keep"}
        event = hear("user_company.purged", BOB, 3, before=before, **more, **again)
        PURGES.work(database, Flag())
        return event

    return take


@pytest.fixture
def named(superuser, company_id):
    """How many books name each user, as (assigned_to, created_by)."""

    def count():
        query = "SELECT assigned_to, created_by, count(*) FROM books WHERE company_id = %s GROUP BY 1, 2"
        return {row[:2]: row[2] for row in superuser.execute(query, (company_id,)).fetchall()}

    return count


@pytest.mark.parametrize("heir", [EVE, None])
def test_what_a_purged_user_had_goes_to_the_heir_and_names_its_maker_no_more(
    *, owned, purge, named, published, superuser, company_id, heir
):
    owned(2 * BATCH + 5)
    event = purge(heir)
    assert named() == {(heir, None): 2 * BATCH + 5}
    query = "SELECT name, email, is_active FROM user_refs WHERE company_id = %s AND user_id = %s"
    assert superuser.execute(query, (company_id, BOB)).fetchone() == ("Former user", None, False)
    events = published()[1:]
    assert [each["type"] for each in events].count("crm.shelf.updated.v1") == 1
    assert len(events) == 2 * BATCH + 6
    assert {each["causationid"] for each in events} == {event.id}
    assert_each_follows(events, untold=("books", "shelves"))
    purge(heir, again=event)
    assert len(published()) == len(events) + 1


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
