"""Idempotency keys on POST: one effect, one answer, nobody else's."""

import threading
import uuid
from hashlib import sha256

KEY = {"Idempotency-Key": "order-1"}


def test_a_repetition_gets_the_first_answer_and_has_no_effect(client, superuser, company_id):
    first = client.post("/v1/customers", json={"name": "Ada"}, headers=KEY)
    again = client.post("/v1/customers", json={"name": "Ada"}, headers=KEY)
    assert again.status_code == first.status_code == 201
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert superuser.execute("SELECT count(*) FROM outbox WHERE company_id = %s", (company_id,)).fetchone() == (1,)


def test_the_same_key_with_another_body_is_refused(client):
    client.post("/v1/customers", json={"name": "Ada"}, headers=KEY)
    answer = client.post("/v1/customers", json={"name": "Bob"}, headers=KEY)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")


def test_a_key_of_another_tenant_is_another_key(client, client_of, company_id):
    client.post("/v1/customers", json={"name": "Ada"}, headers=KEY)
    answer = client_of(company_id + 10**9).post("/v1/customers", json={"name": "Ada"}, headers=KEY)
    assert answer.status_code == 201
    assert answer.json["company_id"] == company_id + 10**9


def test_a_weaker_credential_of_the_same_user_is_not_given_their_answer(client, client_of, company_id):
    weak = client_of(company_id, scope="customers:read:own")
    client.post("/v1/customers", json={"name": "Hidden", "email": "hidden@example.com"})
    body = {"name": "X", "email": "hidden@example.com"}
    path = "/v1/customers/duplicates/check"
    strong = client.post(path, json=body, headers=KEY)
    assert [found["customer"]["name"] for found in strong.json["candidates"]] == ["Hidden"]
    answer = weak.post(path, json=body, headers=KEY)
    assert "Idempotent-Replayed" not in answer.headers
    assert client.post(path, json=body, headers=KEY).headers["Idempotent-Replayed"] == "true"


def test_a_refused_request_does_not_use_up_its_key(client):
    assert client.post("/v1/customers", json={"name": ""}, headers=KEY).status_code == 422
    assert client.post("/v1/customers", json={"name": "Ada"}, headers=KEY).status_code == 201


def test_a_key_is_bound_to_its_route(client):
    path = f"/v1/customers/{client.post('/v1/customers', json={'name': 'Ada'}, headers=KEY).json['id']}"
    client.delete(path, version=1)
    assert client.post(f"{path}/restore", headers=KEY).status_code == 200


def test_who_reads_the_table_cannot_try_out_what_was_sent(client, superuser, company_id):
    """A body may hold a password: its hash has a key, which is not in the database."""
    body = b'{"name":"Ada"}'
    sent = client.post("/v1/customers", data=body, headers={**KEY, "Content-Type": "application/json"})
    assert sent.status_code == 201
    kept = superuser.execute(
        "SELECT request_hash FROM idempotency_keys WHERE company_id = %s", (company_id,)
    ).fetchone()
    guesses = (body, b"[]\x00" + body, b"request\x00[]\x00" + body)
    assert bytes(kept[0]) not in {sha256(guess).digest() for guess in guesses}


def test_an_answer_longer_than_any_request_is_not_kept_but_its_effect_is_known(
    client, monkeypatch, superuser, company_id
):
    monkeypatch.setattr("chassis.web.application.LARGEST_BODY", 2_000)
    items = [{"action": "create", "values": {"name": "Ada", "notes": "x" * 3_000}}]
    first = client.post("/v1/customers/batch", json={"items": items}, headers=KEY)
    again = client.post("/v1/customers/batch", json={"items": items}, headers=KEY)
    assert (first.status_code, again.status_code, again.json["code"]) == (200, 409, "answer_not_kept")
    assert client.get("/v1/customers?include=total").json["page"]["total"] == 1
    kept = "SELECT sum(length(body)) FROM idempotency_keys WHERE company_id = %s"
    assert superuser.execute(kept, (company_id,)).fetchone() == (0,)


def test_an_unusable_key_is_refused(client):
    for key in ("", "k" * 256):
        answer = client.post("/v1/customers", json={"name": "Ada"}, headers={"Idempotency-Key": key})
        assert answer.json["code"] == "invalid_idempotency_key"


def test_thirty_at_once_have_one_effect(client_of, company_id, superuser):
    key, answers, gate = {"Idempotency-Key": str(uuid.uuid4())}, [], threading.Barrier(30)

    def post():
        client = client_of(company_id)
        gate.wait()
        answers.append(client.post("/v1/customers", json={"name": "Ada"}, headers=key).status_code)

    threads = [threading.Thread(target=post) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {201, 409, 503}
    assert 201 in answers
    rows = superuser.execute("SELECT count(*) FROM customers WHERE company_id = %s", (company_id,)).fetchone()
    assert rows == (1,)


def test_a_key_of_another_user_of_the_company_is_another_key(client_as):
    """The first one's answer is the first one's: the second creates a record of their own."""
    scope = "customers:read customers:write"
    answers = [client_as(user_id, scope).post("/v1/customers", json={"name": "Ada"}, headers=KEY) for user_id in (7, 8)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json["created_by"] for answer in answers] == [7, 8]
    assert answers[0].json["id"] != answers[1].json["id"]


def test_a_key_is_bound_to_the_record_in_the_path(client):
    """Without a body nothing but the path tells the two requests apart."""
    paths = [client.post("/v1/customers", json={"name": name}).headers["Location"] for name in ("Ada", "Bea")]
    for path in paths:
        assert client.delete(path, version=1).status_code == 204
    assert client.post(f"{paths[0]}/restore", headers=KEY).status_code == 200
    reused = client.post(f"{paths[1]}/restore", headers=KEY)
    assert (reused.status_code, reused.json["code"]) == (422, "idempotency_key_reused")
    assert client.get(paths[1]).json["archived_at"] is not None
