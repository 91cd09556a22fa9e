"""Idempotency keys on POST: one effect, one answer, nobody else's."""

import threading
import uuid
from hashlib import sha256

import psycopg
import pytest

from chassis.context import Context, acting_as
from chassis.db.idempotency import Claim

KEY = {"Idempotency-Key": "order-1"}


@pytest.fixture
def put(client, shelf):
    """Put a book on the shelf, under the key."""
    return lambda title="Notes", by=client, headers=KEY: by.post(
        "/v1/books", json={"shelf_id": shelf["id"], "title": title}, headers=headers
    )


@pytest.fixture
def count(superuser, company_id):
    """How many books there are."""
    return lambda: superuser.execute("SELECT count(*) FROM books WHERE company_id = %s", (company_id,)).fetchone()[0]


def test_a_repetition_gets_the_first_answer_and_has_no_effect(put, told):
    first, again = put(), put()
    assert again.status_code == first.status_code == 201
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert told() == [("shelf.created", 1), ("book.created", 1)]


def test_the_same_key_with_another_body_is_refused(put, count):
    put()
    answer = put("Others")
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert count() == 1


def test_while_the_first_is_at_work_the_same_request_is_told_to_come_again(
    *, put, database, company_id, count, usual_scope
):
    """The key of a request that dies is free at once: it is a lock of its transaction."""
    context = Context(company_id=company_id, user_id=7, permissions=frozenset(usual_scope.split()))
    with acting_as(context), database.transaction() as session:
        assert Claim("POST /v1/books", KEY["Idempotency-Key"], b"").take(session) is None
        answer = put()
        session.rollback()
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_key_in_use")
    assert answer.headers["Retry-After"] == "1"
    assert count() == 0
    assert put().status_code == 201


def test_what_dies_before_its_commit_leaves_neither_effect_nor_answer(application, put, count, monkeypatch):
    def die(*_):
        raise psycopg.OperationalError("the server has gone")

    with monkeypatch.context() as patch:
        patch.setattr("chassis.db.session.Session.commit", die)
        assert put().status_code == 503
    assert count() == 0
    done = put()
    assert (done.status_code, "Idempotent-Replayed" in done.headers) == (201, False)
    assert (put().headers["Idempotent-Replayed"], count()) == ("true", 1)


def test_a_key_of_another_tenant_is_another_key(client, client_of, company_id):
    stranger = client_of(company_id + 10**9)
    answers = [one.post("/v1/shelves", json={"name": "Poetry"}, headers=KEY) for one in (client, stranger)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].json["company_id"] == company_id + 10**9


def test_a_key_of_another_user_of_the_company_is_another_key(put, client_of, company_id):
    """The first one's answer is the first one's: the second creates a record of their own."""
    answers = [put(by=client_of(company_id, user_id=user_id)) for user_id in (7, 8)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json["created_by"] for answer in answers] == [7, 8]
    assert answers[0].json["id"] != answers[1].json["id"]


def test_a_weaker_credential_of_the_same_user_is_not_given_their_answer(put, client_of, company_id):
    put()
    weak = put(by=client_of(company_id, "books:read:own books:write"))
    assert (weak.status_code, "Idempotent-Replayed" in weak.headers) == (201, False)


def test_a_refused_request_does_not_use_up_its_key(put):
    assert put("").status_code == 422
    assert put().status_code == 201


def test_a_key_is_bound_to_its_route_and_to_the_record_in_the_path(client, create):
    """Without a body nothing but the path tells two requests apart."""
    paths = [f"/v1/books/{create(title=title)['id']}" for title in ("Notes", "Others")]
    for path in paths:
        assert client.delete(path, version=1).status_code == 204
    assert client.post("/v1/shelves", json={"name": "Prose"}, headers=KEY).status_code == 201
    assert client.post(f"{paths[0]}/restore", headers=KEY).status_code == 200
    reused = client.post(f"{paths[1]}/restore", headers=KEY)
    assert (reused.status_code, reused.json["code"]) == (422, "idempotency_key_reused")
    assert client.get(paths[1]).json["archived_at"] is not None


def test_who_reads_the_table_cannot_try_out_what_was_sent(client, superuser, company_id):
    """A body may hold a password: its hash has a key, which is not in the database."""
    body = b'{"name":"Poetry"}'
    sent = client.post("/v1/shelves", data=body, headers={**KEY, "Content-Type": "application/json"})
    assert sent.status_code == 201
    kept = superuser.execute(
        "SELECT request_hash FROM idempotency_keys WHERE company_id = %s", (company_id,)
    ).fetchone()
    guesses = (body, b"[]\x00" + body, b"request\x00[]\x00" + body)
    assert bytes(kept[0]) not in {sha256(guess).digest() for guess in guesses}


def test_an_answer_longer_than_any_request_is_not_kept_but_its_effect_is_known(
    *, client, shelf, monkeypatch, superuser, company_id, count
):
    monkeypatch.setattr("chassis.web.application.LARGEST_BODY", 2_000)
    values = {"shelf_id": shelf["id"], "title": "Notes", "notes": "x" * 3_000}
    items = [{"action": "create", "values": values}]
    first = client.post("/v1/books/batch", json={"items": items}, headers=KEY)
    again = client.post("/v1/books/batch", json={"items": items}, headers=KEY)
    assert (first.status_code, again.status_code, again.json["code"]) == (200, 409, "answer_not_kept")
    assert count() == 1
    kept = "SELECT sum(length(body)) FROM idempotency_keys WHERE company_id = %s"
    assert superuser.execute(kept, (company_id,)).fetchone() == (0,)


def test_a_repeated_batch_changes_nothing_more(client, shelf, count):
    items = [{"action": "create", "values": {"shelf_id": shelf["id"], "title": f"Item {n}"}} for n in range(20)]
    first, again = (client.post("/v1/books/batch", json={"items": items}, headers=KEY) for _ in range(2))
    assert first.json == again.json
    assert (first.json["succeeded"], count()) == (20, 20)


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_unusable_key_is_refused(put, key):
    assert put(headers={"Idempotency-Key": key}).json["code"] == "invalid_idempotency_key"


def test_thirty_at_once_have_one_effect(put, client_of, company_id, count):
    key, answers, gate = {"Idempotency-Key": str(uuid.uuid4())}, [], threading.Barrier(30)

    def post():
        client = client_of(company_id)
        gate.wait()
        answers.append(put(by=client, headers=key).status_code)

    threads = [threading.Thread(target=post) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {201, 409, 503}
    assert 201 in answers
    assert count() == 1
