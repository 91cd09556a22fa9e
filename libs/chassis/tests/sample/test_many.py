"""Many records in one request: batches, changes of all that a filter finds, facets."""

from functools import partial

import pytest

from chassis.web.batches import LARGEST_ANSWER
from chassis.web.bulk import CONFIRMATION_SECONDS


@pytest.fixture
def bulk(client):
    """Ask for a change of all that a filter finds."""

    def ask(filter_, changes, by=client, **more):
        return by.post("/v1/books/bulk-update", json={"filter": filter_, "changes": changes} | more)

    return ask


def test_in_a_batch_each_item_succeeds_or_fails_by_itself(client, create, shelf, told):
    book = create()
    items = [
        {"action": "create", "values": {"shelf_id": shelf["id"], "title": "New"}},
        {"action": "create", "values": {"shelf_id": 999_999_999, "title": "Nowhere"}},
        {"action": "create", "values": {"shelf_id": shelf["id"], "title": "", "nonsense": 1}},
        {"action": "update", "id": book["id"], "version": 1, "values": {"status": "lost"}},
        {"action": "update", "id": book["id"], "version": 1, "values": {"status": "present"}},
        {"action": "update", "id": book["id"], "version": 2, "values": {"status": "lent"}},
        {"action": "archive", "id": book["id"]},
        {"action": "archive", "id": book["id"], "version": 2},
        {"action": "update", "id": 999_999_999, "version": 1, "values": {}},
    ]
    answer = client.post("/v1/books/batch", json={"items": items})
    assert answer.status_code == 200, answer.json
    results = answer.json["results"]
    assert [result["status"] for result in results] == [201, 422, 422, 200, 412, 409, 422, 204, 404]
    assert (answer.json["succeeded"], answer.json["failed"]) == (3, 6)
    assert results[0]["record"]["title"] == "New"
    assert {fault["pointer"] for fault in results[2]["problem"]["errors"]} == {"/title", "/nonsense"}
    assert [results[place]["problem"]["code"] for place in (1, 4, 5)] == ["unknown_shelf", "stale_version", "book_lost"]
    assert client.get(f"/v1/books/{book['id']}").json["status"] == "lost"
    assert told()[2:] == [("book.created", 1), ("book.updated", 2), ("book.archived", 3)]


def test_two_batches_that_change_the_same_in_opposite_orders_wait_for_each_other(client, create, at_once):
    made = [create()["id"] for _ in range(20)]

    def change(order, version):
        values = {"notes": f"{version} {order}"}
        items = [{"action": "update", "id": known, "version": version, "values": values} for known in made[::order]]
        return client.post("/v1/books/batch", json={"items": items})

    for version in range(1, 4):
        answers = at_once(*(partial(change, order, version) for order in (1, -1)))
        assert [answer.status_code for answer in answers] == [200, 200]
        # Who comes second finds that all have changed.
        assert sorted(answer.json["succeeded"] for answer in answers) == [0, 20]
        late = min(answers, key=lambda answer: answer.json["succeeded"]).json["results"]
        assert {result["problem"]["code"] for result in late} == {"stale_version"}


def test_an_item_with_what_its_action_does_not_take_is_refused(client, create):
    book = create()
    items = [
        {"action": "archive", "id": book["id"], "version": 1, "values": {"notes": "x"}},
        {"action": "create", "id": book["id"], "version": 1, "values": {"title": "Twin"}},
    ]
    results = client.post("/v1/books/batch", json={"items": items}).json["results"]
    pointers = [[fault["pointer"] for fault in result["problem"]["errors"]] for result in results]
    assert ([result["status"] for result in results], pointers) == ([422, 422], [["/values"], ["/id", "/version"]])
    assert client.get("/v1/books").json["data"] == [book]


def test_a_batch_of_long_records_ends_when_its_answer_is_full(client, fill, superuser, company_id):
    fill(200, notes="repeat('n', 60000)")
    ids = [row[0] for row in superuser.execute("SELECT id FROM books WHERE company_id = %s ORDER BY id", (company_id,))]

    def send(some):
        items = [{"action": "update", "id": known, "version": 1, "values": {"status": "lent"}} for known in some]
        answer = client.post("/v1/books/batch", json={"items": items})
        assert answer.status_code == 200
        assert len(answer.data) < LARGEST_ANSWER + 200_000
        return answer.json

    first = send(ids)
    done = first["succeeded"]
    assert 0 < done < len(ids)
    assert {result["status"] for result in first["results"][:done]} == {200}
    left = first["results"][done:]
    assert {(result["status"], result["problem"]["code"]) for result in left} == {(413, "answer_full")}
    # Nothing was changed of these, so that they can be sent again.
    assert send(ids[done:])["failed"] == 0


def test_a_filter_that_finds_too_much_text_is_refused_and_changes_nothing(bulk, fill, superuser, company_id):
    fill(600, notes="repeat('n', 60000)")
    answer = bulk("status=present", {"status": "lent"})
    assert (answer.status_code, answer.json["code"]) == (422, "too_many_records")
    assert superuser.execute("SELECT max(version) FROM books WHERE company_id = %s", (company_id,)).fetchone() == (1,)


def test_a_batch_has_500_items_at_most(client):
    items = [{"action": "create", "values": {"title": "x"}}] * 501
    answer = client.post("/v1/books/batch", json={"items": items})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/items")


def test_those_that_are_named_are_changed_each_by_itself(client, create, known):
    known(8)
    ids = [create()["id"] for _ in range(3)]
    answer = client.post("/v1/books/assign", json={"ids": [*ids, 999_999_999], "assigned_to": 8}).json
    assert (answer["succeeded"], answer["failed"]) == (3, 1)
    assert [result["status"] for result in answer["results"]] == [200, 200, 200, 404]
    unknown = client.post("/v1/books/assign", json={"ids": ids[:1], "assigned_to": 99}).json["results"][0]
    assert (unknown["status"], unknown["problem"]["code"]) == (422, "unknown_user")
    assert client.get("/v1/books?assigned_to=8&include=total").json["page"]["total"] == 3


def test_facets_count_what_is_live_and_seen(client, client_of, company_id, create, known):
    known(7, 8)
    create(status="lent", tags=["a"])
    create(assigned_to=8)
    gone = create(status="lost", tags=["a"])
    assert client.delete(f"/v1/books/{gone['id']}", version=1).status_code == 204
    assert client.get("/v1/books/facets").json == {
        "status": [{"value": "lent", "count": 1}, {"value": "present", "count": 1}],
        "assigned_to": [{"value": 8, "count": 1}, {"value": None, "count": 1}],
        "tag": [{"value": "a", "count": 1}],
    }
    own = client_of(company_id, "books:read:own", user_id=8).get("/v1/books/facets").json
    assert (own["status"], own["tag"]) == ([{"value": "present", "count": 1}], [])


def test_a_bulk_update_is_counted_first_and_done_when_that_is_confirmed(client, create, bulk):
    ids = [create(status="lent")["id"] for _ in range(3)]
    other = create()
    shown = bulk("status=lent", {"notes": "late"})
    assert (shown.json["count"], shown.json["updated"]) == (3, 0)
    assert client.get("/v1/books?status=lent&fields=notes").json["data"] == [{"notes": None}] * 3
    done = bulk("status=lent", {"notes": "late"}, confirm=shown.json["confirm"])
    assert done.json == {"count": 3, "confirm": None, "updated": 3}
    changed = client.get("/v1/books?status=lent").json["data"]
    assert {(row["id"], row["notes"]) for row in changed} == {(known, "late") for known in ids}
    assert client.get(f"/v1/books/{other['id']}").json == other


def test_a_confirmation_is_of_one_filter_one_change_and_one_caller(client_of, company_id, create, bulk):
    create(status="lent")
    token = bulk("status=lent", {"notes": "x"}).json["confirm"]
    for wrong in (f"{token[:-4]}AAAA", "nonsense", "ä"):
        assert bulk("status=lent", {"notes": "x"}, confirm=wrong).json["code"] == "confirmation_mismatch"
    stranger, colleague = client_of(company_id + 10**9), client_of(company_id, user_id=8)
    refused = [
        bulk("status[ne]=lent", {"notes": "x"}, confirm=token),
        bulk("status=lent", {"notes": "y"}, confirm=token),
        bulk("status=lent", {"notes": "x"}, by=stranger, confirm=token),
        bulk("status=lent", {"notes": "x"}, by=colleague, confirm=token),
    ]
    assert [answer.status_code for answer in refused] == [400] * 4


def test_a_confirmation_is_of_the_records_that_were_counted_as_they_were(client, create, bulk):
    """One more, as many others, or the same ones changed: each is another set."""
    first, second = create(status="lent"), create()
    asked = ("status=lent", {"notes": "x"})
    token = bulk(*asked).json["confirm"]
    client.patch(f"/v1/books/{second['id']}", json={"status": "lent"}, version=1)
    outdated = bulk(*asked, confirm=token)
    assert (outdated.status_code, outdated.json["code"]) == (409, "confirmation_outdated")
    client.patch(f"/v1/books/{first['id']}", json={"status": "present"}, version=1)
    assert bulk(*asked, confirm=token).json["code"] == "confirmation_outdated"
    token = bulk(*asked).json["confirm"]
    assert bulk(*asked, confirm=token).json["updated"] == 1
    client.patch(f"/v1/books/{second['id']}", json={"notes": "y"}, version=3)
    assert bulk(*asked, confirm=token).json["code"] == "confirmation_outdated"
    assert client.get(f"/v1/books/{second['id']}").json["notes"] == "y"


def test_a_confirmation_is_good_for_ten_minutes(create, bulk, monkeypatch):
    assert CONFIRMATION_SECONDS == 600
    create(status="lent")
    monkeypatch.setattr("chassis.web.bulk.CONFIRMATION_SECONDS", -1)
    token = bulk("status=lent", {"notes": "x"}).json["confirm"]
    assert bulk("status=lent", {"notes": "x"}, confirm=token).json["code"] == "confirmation_outdated"


@pytest.mark.parametrize(
    "filter_",
    ["", "?", "&", "nonsense=1", "status=lent&sort=title", "limit=5", "limit=50", "sort=-created_at", "cursor=", "q=a"],
)
def test_a_filter_has_known_conditions_and_nothing_else(create, bulk, filter_):
    create(status="lent")
    assert bulk(filter_, {"notes": "x"}).status_code in (400, 422)


def test_a_bulk_update_that_fails_for_one_changes_none(client, create, bulk, told):
    ids = [create(status=status)["id"] for status in ("present", "lost")]
    before = told()
    asked = (f"id[in]={ids[0]},{ids[1]}", {"status": "lent"})
    answer = bulk(*asked, confirm=bulk(*asked).json["confirm"])
    assert (answer.status_code, answer.json["code"]) == (409, "book_lost")
    assert [client.get(f"/v1/books/{known}").json["version"] for known in ids] == [1, 1]
    assert told() == before


def test_more_than_2000_are_not_changed_at_once(fill, bulk):
    fill(2001)
    answer = bulk("status=present", {"notes": "x"})
    assert (answer.status_code, answer.json["code"]) == (422, "too_many_records")
