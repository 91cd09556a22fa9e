"""The life of a record: what it is answered as, what it leaves in the outbox, and what goes and comes with its whole."""

import orjson
import pytest

from chassis.testing.events import assert_each_follows
from sample.commands.shelves import create_shelf
from sample.schemas.books import BookOut


def test_what_is_created_is_answered_with_etag_and_location_as_its_schema_says(client, create, company_id):
    book = create(price="1234.50", tags=["a", "b"], notes='quotes " and \\ and \u2028')
    got = client.get(f"/v1/books/{book['id']}")
    assert (got.json, got.headers["ETag"], book["company_id"]) == (book, '"1"', company_id)
    schema = BookOut()
    assert schema.dump(schema.load(book)) == book
    assert list(book) == [name for name in schema.fields if name != "expanded"]


def test_a_rollback_leaves_neither_record_nor_event(session, superuser, company_id):
    create_shelf(session, {"name": "Poetry"})
    session.rollback()
    for table in ("shelves", "outbox", "user_refs"):
        assert superuser.execute(f"SELECT FROM {table} WHERE company_id = %s", (company_id,)).fetchone() is None


def test_a_failed_create_leaves_no_outbox_row(client, shelf, told):
    assert client.post("/v1/shelves", json={"name": shelf["name"]}).status_code == 409
    assert told() == [("shelf.created", 1)]


def test_archiving_hides_from_lists_and_restoring_brings_back(client, create, told):
    book = create()
    path = f"/v1/books/{book['id']}"
    assert client.delete(path, version=1).status_code == 204
    assert client.get("/v1/books").json["data"] == []
    assert client.get(path).json["archived_at"] is not None
    assert client.get("/v1/books?archived_at[is_null]=false").json["data"][0]["id"] == book["id"]
    refused = client.patch(path, json={"notes": "x"}, version=2)
    assert (refused.status_code, refused.json["code"]) == (409, "book_archived")
    assert client.delete(path, version=2).json["code"] == "book_archived"
    restored = client.post(f"{path}/restore").json
    assert (restored["archived_at"], restored["version"]) == (None, 3)
    assert client.get("/v1/books").json["data"] == [restored]
    assert client.post(f"{path}/restore").json["code"] == "book_not_archived"
    assert told()[1:] == [("book.created", 1), ("book.archived", 2), ("book.restored", 3)]


def test_what_went_with_its_whole_comes_back_with_it_and_nothing_else(client, create, shelf, published):
    """What was archived before by itself stays so; each has its event, with the states of its own record."""
    alone, *along = [create(title=title) for title in ("Å", "A long title of a book", "Ю")]
    path = f"/v1/shelves/{shelf['id']}"
    assert client.delete(f"/v1/books/{alone['id']}", version=1).status_code == 204
    assert client.delete(path, version=1).status_code == 204
    gone = {event["subject"]: event for event in published(event_type="crm.book.archived.v1")}
    assert len(gone) == 3
    for book in along:
        told = gone[f"books/{book['id']}"]["data"]
        assert (told["before"], told["after"]) == (book, client.get(f"/v1/books/{book['id']}").json)
    assert client.post(f"{path}/restore").json["version"] == 3
    assert [row["id"] for row in client.get("/v1/books?sort=created_at").json["data"]] == [b["id"] for b in along]
    assert client.get(f"/v1/books/{alone['id']}").json["archived_at"] is not None
    last = assert_each_follows(published())
    assert {last[f"books/{book['id']}"]["version"] for book in along} == {3}


def test_purging_leaves_nothing_but_the_events(client, create, shelf, published):
    book, archived = create(tags=["verse"]), create()
    assert client.delete(f"/v1/books/{archived['id']}", version=1).status_code == 204
    assert client.post(f"/v1/shelves/{shelf['id']}/purge", version=1).status_code == 204
    for path in (f"/v1/shelves/{shelf['id']}", f"/v1/books/{book['id']}", f"/v1/books/{archived['id']}"):
        assert client.get(path).status_code == 404
    last = assert_each_follows(published())
    assert set(last.values()) == {None}
    assert client.get("/v1/books/tags").json["data"] == []


def test_who_did_what_and_why_is_in_the_envelope(client, create, published):
    book = create()
    headers = {"X-Request-Id": "the-request", "User-Agent": "a-browser"}
    assert client.patch(f"/v1/books/{book['id']}", json={"notes": "x"}, version=1, headers=headers).status_code == 200
    event = published()[-1]
    assert (event["source"], event["actor"], event["correlationid"]) == ("sample", "7", "the-request")
    assert (event["useragent"], event["causationid"]) == ("a-browser", None)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"title": ""}, ("/title", "invalid")),
        ({"title": None}, ("/title", "null")),
        ({"title": 5}, ("/title", "invalid")),
        ({"title": "a" * 256}, ("/title", "invalid")),
        ({"title": "a\x00b"}, ("/title", "invalid")),
        ({"titel": "x"}, ("/titel", "unknown_field")),
        ({"company_id": 1}, ("/company_id", "unknown_field")),
        ({"version": 9}, ("/version", "unknown_field")),
        ({"created_by": 9}, ("/created_by", "unknown_field")),
        ({"status": "gone"}, ("/status", "invalid")),
        ({"price": 5}, ("/price", "invalid")),
        ({"price": "-1"}, ("/price", "invalid")),
        ({"price": "1e500"}, ("/price", "invalid")),
        ({"price": "NaN"}, ("/price", "invalid")),
        ({"price": "1.234"}, ("/price", "invalid")),
        ({"assigned_to": 2**63}, ("/assigned_to", "invalid")),
        ({"assigned_to": 4711}, ("/assigned_to", "unknown_reference")),
        ({"assigned_to": True}, ("/assigned_to", "invalid")),
        ({"author_id": 4711}, ("/author_id", "unknown_reference")),
        ({"tags": "verse"}, ("/tags", "invalid")),
        ({"tags": ["x" * 51]}, ("/tags/0", "invalid")),
    ],
)
def test_a_wrong_value_is_refused_with_its_pointer_and_leaves_nothing(client, shelf, told, values, fault):
    answer = client.post("/v1/books", json={"shelf_id": shelf["id"], "title": "Notes"} | values)
    assert answer.status_code == 422, answer.json
    assert fault in [(error["pointer"], error["code"]) for error in answer.json["errors"]]
    assert told() == [("shelf.created", 1)]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"name":', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"name":"a"} x', "application/json", 400),
        (b'{"name":"\\ud800"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"name=a", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (b'{"name":"' + b"a" * 2_000_000 + b'"}', "application/json", 413),
        (b'{"name": "%s"}' % (b"x" * 300_000), "application/json", 413),
        (b'{"name": "Poetry", "room": [%s0]}' % (b"0," * 60_000), "application/json", 413),
        # Commas in a text are no values.
        (b'{"name": "Poetry", "room": "\\"%s"}' % (b"," * 60_000), "application/json", 422),
    ],
)
def test_a_body_is_measured_and_read_before_anything_else(client, body, content_type, status):
    answer = client.post("/v1/shelves", data=body, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.data
    assert answer.content_type == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_the_longest_text_may_come_escaped(client, shelf):
    """Longer in bytes than any limit of its characters."""
    body = orjson.dumps({"shelf_id": shelf["id"], "title": "Notes", "notes": ""})
    body = body.replace(b'"notes":""', b'"notes":"' + rb"\ud83d\ude00" * 20_000 + b'"')
    answer = client.post("/v1/books", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, len(answer.json["notes"])) == (201, 20_000)


@pytest.mark.parametrize("path", ["0", "-1", "x", str(2**63), "1" * 30, "%00", "1/nothing", ""])
def test_a_path_that_cannot_be_an_id_is_not_found(client, path):
    assert client.get(f"/v1/books/{path}").status_code == 404


@pytest.mark.parametrize("path", ["//v1/books", "/v1//books"])
def test_an_address_has_one_spelling(client, path):
    assert client.get(path).status_code == 404
