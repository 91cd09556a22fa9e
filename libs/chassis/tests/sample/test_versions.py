"""Whatever changes a record that somebody has seen names the version that was seen; what changes nothing makes none."""

import pytest

from chassis.errors import PreconditionFailed
from chassis.web.denials import documented as documented_path
from sample.events import BOOK_UPDATED
from sample.queries.books import RECORDS

DEMANDING = [("PATCH", ""), ("DELETE", ""), ("POST", "/purge")]
VALUES = {"title": "Notes", "price": "5.00", "tags": ["verse"], "notes": None, "status": "present"}


@pytest.mark.parametrize("noun", ["shelves", "books"])
@pytest.mark.parametrize(("method", "action"), DEMANDING)
def test_a_version_is_demanded_and_held_against_the_present_one(client, create, told, *, noun, method, action):
    book = create()
    path = f"/v1/{noun}/{book['id'] if noun == 'books' else book['shelf_id']}"
    before = told()
    given = {"json": {}} if method == "PATCH" else {}
    assert client.request(method, path + action, **given).json["code"] == "if_match_required"
    stale = client.request(method, path + action, version=8, **given)
    assert (stale.status_code, stale.json["code"], stale.headers["ETag"]) == (412, "stale_version", '"1"')
    weak = client.request(method, path + action, headers={"If-Match": 'W/"1"'}, **given)
    anyhow = client.request(method, path + action, headers={"If-Match": "*"}, **given)
    assert (weak.status_code, anyhow.status_code) == (412, 400)
    assert (told(), client.get(path).headers["ETag"]) == (before, '"1"')
    assert client.request(method, path + action, version=1, **given).status_code < 300


def test_a_write_that_needs_no_version_heeds_the_one_that_it_is_given(client, create):
    path = f"/v1/books/{create()['id']}"
    assert client.delete(path, version=1).status_code == 204
    stale = client.post(f"{path}/restore", version=9)
    assert (stale.status_code, stale.headers["ETag"]) == (412, '"2"')
    assert client.post(f"{path}/restore", headers={"If-Match": "*"}).status_code == 400
    assert client.post(f"{path}/restore", version=2).json["version"] == 3


def test_who_gets_a_record_is_told_the_version_that_a_change_demands(application, client, create):
    path = f"/v1/books/{create()['id']}"
    assert client.get(path).headers["ETag"] == '"1"'
    documented = application.document["paths"][documented_path("/v1/books/<id:book_id>")]
    for method in ("get", "patch"):
        assert documented[method]["responses"]["200"]["headers"]["ETag"]["schema"]["pattern"] == '^"[0-9]{1,9}"$'


def test_who_has_the_present_state_is_told_so(client, create):
    path, seen = f"/v1/books/{create()['id']}", {"If-None-Match": '"1"'}
    same = client.get(path, headers=seen)
    assert (same.status_code, same.data) == (304, b"")
    assert client.patch(path, json={"notes": "x"}, version=1).status_code == 200
    assert client.get(path, headers=seen).json["notes"] == "x"


def test_two_writers_with_one_etag_get_one_success(client_of, company_id, create, at_once):
    path = f"/v1/books/{create()['id']}"
    for version in range(1, 11):

        def write(notes, version=version):
            values = {"notes": f"{notes} {version}"}
            return client_of(company_id).patch(path, json=values, version=version).status_code

        assert sorted(at_once(lambda write=write: write("one"), lambda write=write: write("two"))) == [200, 412]


def test_a_change_over_a_state_that_has_moved_on_is_refused_and_writes_nothing(client, create, session, told):
    """A caller that held no lock: what it writes over is not there any more."""
    book = create()
    before = RECORDS.get(session, book["id"])
    assert client.patch(f"/v1/books/{book['id']}", json={"notes": "theirs"}, version=1).status_code == 200
    with pytest.raises(PreconditionFailed):
        RECORDS.change(session, BOOK_UPDATED, before, {"notes": "ours"})
    session.rollback()
    assert client.get(f"/v1/books/{book['id']}").json["notes"] == "theirs"
    assert told().count(("book.updated", 2)) == 1


@pytest.mark.parametrize(
    "values", [{}, VALUES, {"price": "5"}, {"tags": ["verse"]}, {"notes": None}, {"assigned_to": None}]
)
def test_a_patch_that_changes_nothing_answers_with_what_is_there(client, create, told, values):
    book = create(**VALUES)
    before = told()
    answer = client.patch(f"/v1/books/{book['id']}", json=values, version=1)
    assert (answer.status_code, answer.json, answer.headers["ETag"]) == (200, book, '"1"')
    assert told() == before
    assert client.patch(f"/v1/books/{book['id']}", json=values, version=2).status_code == 412


def test_one_value_that_differs_is_a_change_and_is_told_with_both_states(client, create, published):
    book = create(**VALUES)
    answer = client.patch(f"/v1/books/{book['id']}", json=VALUES | {"notes": "read"}, version=1)
    assert (answer.json["notes"], answer.headers["ETag"]) == ("read", '"2"')
    event = published()[-1]
    assert (event["type"], event["aggregateversion"], event["subject"]) == (
        "crm.book.updated.v1",
        2,
        f"books/{book['id']}",
    )
    assert event["data"] == {"before": book, "after": answer.json, "changed": ["notes"]}


def test_many_changes_tell_of_those_that_are_some(client, create, told):
    one, other = create(), create(notes="read")
    before = len(told())
    body = {"filter": f"id[in]={one['id']},{other['id']}", "changes": {"notes": "read"}}
    counted = client.post("/v1/books/bulk-update", json=body).json
    done = client.post("/v1/books/bulk-update", json=body | {"confirm": counted["confirm"]}).json
    assert (done["count"], done["updated"]) == (2, 1)
    items = [{"action": "update", "id": other["id"], "version": 1, "values": {"notes": "read"}}]
    [result] = client.post("/v1/books/batch", json={"items": items}).json["results"]
    assert (result["status"], result["record"]) == (200, other)
    [assigned] = client.post("/v1/books/assign", json={"ids": [other["id"]], "assigned_to": None}).json["results"]
    assert assigned["record"]["version"] == 1
    assert told()[before:] == [("book.updated", 2)]
