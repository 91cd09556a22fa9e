"""Everything that the service publishes, however it came about; each change is told once, and follows the one before."""

from threading import Event as Flag

import pytest

from chassis.testing.events import assert_each_follows, hand_to, neighbours_event
from sample.commands.transfers import TRANSFERS
from sample.events import PUBLISHED
from sample.handlers import SUBSCRIPTIONS


@pytest.fixture
def tidy(*, client, create, known, database, company_id):
    """Everything that a shelf and a book can go through."""

    def run():
        shelf = client.post("/v1/shelves", json={"name": "Prose", "room": "First floor"}).json
        path = f"/v1/shelves/{shelf['id']}"
        create(shelf_id=shelf["id"])
        assert client.patch(path, json={"room": None}, version=1).status_code == 200
        assert client.delete(path, version=2).status_code == 204
        assert client.post(f"{path}/restore").status_code == 200
        assert client.post(f"{path}/purge", version=4).status_code == 204
        book = create(price="9.90", tags=["verse"], notes="Signed", assigned_to=8)
        path = f"/v1/books/{book['id']}"
        assert client.patch(path, json={"status": "lent"}, version=1).status_code == 200
        assert client.delete(path, version=2).status_code == 204
        assert client.post(f"{path}/restore").status_code == 200
        assert client.get("/v1/books/export.csv").status_code == 200
        member = {
            "user_id": 8,
            "status": "deactivated",
            "transfer_plan": {"books": {"to": 7}},
            "user": {"first_name": "Bob", "last_name": "Jones", "email": "bob@x.example", "is_active": True},
        }
        data = {"before": None, "after": member, "changed": []}
        event = neighbours_event("user_company.deactivated", "user_companies/8", company_id, 2, data)
        hand_to(SUBSCRIPTIONS.handlers, database, event)
        TRANSFERS.work(database, Flag())
        assert client.get(path).json["assigned_to"] == 7

    return run


def test_every_event_occurs_and_follows_the_one_before(tidy, published):
    tidy()
    events = published()
    assert_each_follows(events, moving=("book_transfers",))
    # What is run holds its events to its contracts instead: hold_to_contracts(events, PUBLISHED).
    assert {event["type"] for event in events} == {event_type.name for event_type in PUBLISHED}


def test_the_states_that_were_told_of_last_are_those_that_are_there(client, tidy, published):
    tidy()
    last = assert_each_follows(published(), moving=("book_transfers",))
    for table, path in (("shelves", "/v1/shelves"), ("books", "/v1/books")):
        there = {f"{table}/{row['id']}": row for row in client.get(path).json["data"]}
        assert there == {subject: after for subject, after in last.items() if subject.startswith(f"{table}/") and after}
