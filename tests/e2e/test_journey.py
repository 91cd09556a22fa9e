"""The main job, through the gateway: register, sign in, create a customer, find it in the audit log."""

import uuid

import pytest
import requests

from chassis.testing.waiting import wait_until

# One stack serves all tests that need a whole one.
pytestmark = pytest.mark.xdist_group("stack")
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def api(stack):
    return f"{stack.gateway_url}/v1"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_created_customer_is_in_the_audit_log_within_two_seconds(api, register):
    body, registered = register(api)
    credentials = {"email": body["user"]["email"], "password": body["user"]["password"]}
    login = requests.post(f"{api}/auth/login", json=credentials, timeout=10)
    assert login.status_code == 200, login.text
    assert set(login.json()) == {"access_token", "refresh_token", "token_type", "expires_in", "device_token"}
    headers = bearer(login.json()["access_token"]) | {"User-Agent": "journey/1"}
    created = requests.post(f"{api}/customers", json={"name": "Grace Hopper"}, headers=headers, timeout=10)
    assert created.status_code == 201, created.text
    assert created.headers["ETag"] == '"1"'
    customer = created.json()
    assert created.headers["Location"] == f"/v1/customers/{customer['id']}"
    question = f"{api}/audit-logs?table_name=customers&record_id={customer['id']}"
    rows = wait_until(lambda: requests.get(question, headers=headers, timeout=10).json()["data"], seconds=2)
    assert len(rows) == 1
    row = rows[0]
    assert (row["action"], row["old_values"], row["new_values"]) == ("created", None, customer)
    assert row["user_id"] == registered["user"]["id"]
    assert row["ip_address"] == "127.0.0.1"
    assert row["user_agent"] == "journey/1"
    assert row["request_id"] == created.headers["X-Request-Id"]


def test_a_new_member_becomes_known_to_the_customers_service(api, register, stack):
    _, registered = register(api)
    headers = bearer(registered["access_token"])
    user_id = registered["user"]["id"]

    def assign():
        values = {"name": f"Customer {uuid.uuid4()}", "assigned_to": user_id}
        return requests.post(f"{api}/customers", json=values, headers=headers, timeout=10).status_code == 201

    wait_until(assign, 5)


def test_refreshing_and_me_work_through_the_gateway(api, register):
    _, registered = register(api)
    refreshed = requests.post(
        f"{api}/auth/refresh", json={"refresh_token": registered["refresh_token"]}, timeout=10
    ).json()
    me = requests.get(f"{api}/auth/me", headers=bearer(refreshed["access_token"]), timeout=10).json()
    assert me["company"]["id"] == registered["company"]["id"]
    assert "customers:write" in me["permissions"]


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/audit-logs", "/v1/auth/me"])
def test_without_a_token_nothing_is_answered(stack, path):
    answer = requests.get(stack.gateway_url + path, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM)
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/metrics", "/v1/openapi.json", "/readyz/", "/v1/nothing", "/internal/members/1"])
def test_what_is_not_public_is_not_there(stack, path):
    answer = requests.get(stack.gateway_url + path, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, PROBLEM)


def test_ten_mebibytes_are_refused_by_gateway_and_service(stack, api, register):
    _, registered = register(api)
    body = b'{"name":"' + b"a" * 10 * 1024 * 1024 + b'"}'
    headers = bearer(registered["access_token"]) | {"Content-Type": "application/json"}

    def chunks():
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    for base in (stack.gateway_url, stack.web_urls("customers")[0]):
        for data in (body, chunks()):
            try:
                answer = requests.post(f"{base}/v1/customers", data=data, headers=headers, timeout=20)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                continue  # The server answered and closed while the client was still sending.
            assert answer.status_code == 413
    assert requests.get(f"{api}/customers", headers=bearer(registered["access_token"]), timeout=10).json()["data"] == []
