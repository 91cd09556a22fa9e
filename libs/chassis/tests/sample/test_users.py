"""Users as identity tells of them: whatever the order, and nobody inactive gets work."""

import threading
from functools import partial

import pytest

from chassis.context import Context, acting_as
from sample.commands.books import create_book

BOB = 9


@pytest.fixture
def kept(superuser, company_id):
    """What is kept of Bob: his name, and whether he is active."""

    def look():
        query = "SELECT name, is_active FROM user_refs WHERE company_id = %s AND user_id = %s"
        return superuser.execute(query, (company_id, BOB)).fetchone()

    return look


@pytest.fixture
def assign(client, shelf):
    """Put a new book on the shelf that Bob looks after."""
    return lambda by=client: by.post("/v1/books", json={"shelf_id": shelf["id"], "title": "Notes", "assigned_to": BOB})


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 3), (3, 2, 1)])
def test_an_older_event_never_overwrites_a_newer_user(hear_of_user, kept, order):
    for version in order:
        hear_of_user("updated", version)
    assert kept() == ("Bob V3", True)


@pytest.mark.parametrize(
    ("action", "changes", "is_active"),
    [
        ("suspended", {"status": "suspended"}, False),
        ("deactivated", {"status": "deactivated", "transfer_plan": {"books": {"keep": True}}}, False),
        ("removed", {}, False),
        ("updated", {"user": {"first_name": "B", "last_name": "J", "email": "b@x.example", "is_active": False}}, False),
        ("updated", {"role": "manager"}, True),
        ("activated", {}, True),
    ],
)
def test_a_user_is_active_while_the_account_and_the_membership_are(hear_of_user, kept, action, changes, is_active):
    hear_of_user("created", 1)
    hear_of_user(action, 2, **changes)
    assert kept()[1] is is_active


def test_an_event_from_before_there_were_suspensions_tells_of_an_active_user(hear, kept):
    user = {"first_name": "B", "last_name": "J", "email": None, "is_active": True}
    hear("user_company.updated", 1, 2, after={"user_id": BOB, "user": user})
    assert kept() == ("B J", True)


def test_who_joins_again_is_active_although_the_new_membership_begins_at_version_one(hear_of_user, kept):
    hear_of_user("created", 1, membership_id=5)
    hear_of_user("removed", 8, membership_id=5)
    hear_of_user("created", 1, membership_id=6)
    assert kept() == ("Bob V1", True)
    hear_of_user("updated", 7, membership_id=5)
    hear_of_user("removed", 8, membership_id=5)
    assert kept() == ("Bob V1", True)


@pytest.mark.parametrize("action", ["suspended", "deactivated", "removed"])
def test_an_inactive_user_is_assigned_nothing(*, client, create, assign, hear_of_user, told, action):
    hear_of_user("created", 1)
    path, other = f"/v1/books/{assign().json['id']}", f"/v1/books/{create()['id']}"
    hear_of_user(action, 2, status={"removed": "active"}.get(action, action))
    before = told()
    for answer in (assign(), client.patch(other, json={"assigned_to": BOB}, version=1)):
        assert (answer.status_code, answer.json["code"]) == (422, "inactive_user")
        [fault] = answer.json["errors"]
        assert (fault["pointer"], fault["code"]) == ("/assigned_to", "inactive_user")
    assert told() == before
    # What is theirs stays theirs: a change of something else may name them as before.
    assert client.patch(path, json={"assigned_to": BOB, "notes": "x"}, version=1).status_code == 200
    assert client.patch(path, json={"assigned_to": None}, version=2).status_code == 200
    assert client.patch(path, json={"assigned_to": BOB}, version=3).status_code == 422
    hear_of_user("activated", 3)
    assert client.patch(path, json={"assigned_to": BOB}, version=3).status_code == 200


def test_an_event_waits_for_an_assignment_that_came_first(*, hear_of_user, kept, database, company_id, shelf):
    """The handler sees every record that was assigned before it, so none is forgotten when they are handed over."""
    hear_of_user("created", 1)
    began, heard = threading.Event(), threading.Event()

    def suspend():
        began.set()
        hear_of_user("suspended", 2, status="suspended")
        heard.set()

    thread = threading.Thread(target=suspend)
    with acting_as(Context(company_id=company_id, user_id=7, request_id="test")), database.transaction() as session:
        create_book(session, {"shelf_id": shelf["id"], "title": "Notes", "assigned_to": BOB})
        thread.start()
        began.wait(5)
        assert not heard.wait(0.3)
        assert kept() == ("Bob V1", True)
    thread.join(5)
    assert kept()[1] is False


def test_of_assignments_and_a_suspension_at_once_those_that_come_after_are_refused(
    *, assign, client_of, hear_of_user, superuser, company_id, at_once
):
    hear_of_user("created", 1)
    posts = [partial(assign, client_of(company_id)) for _ in range(8)]
    *answers, _ = at_once(*posts, lambda: hear_of_user("suspended", 2, status="suspended"))
    statuses = [answer.status_code for answer in answers]
    # The shelf is everybody's, and who waits for it too long is told to come again.
    assert set(statuses) <= {201, 409, 422, 503}
    count = "SELECT count(*) FROM books WHERE company_id = %s AND assigned_to = %s"
    assert superuser.execute(count, (company_id, BOB)).fetchone() == (statuses.count(201),)
    assert assign().status_code == 422
