"""An answer kept under an idempotency key is not given to who would have been shown less."""

KEY = {"Idempotency-Key": "order-1"}


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
