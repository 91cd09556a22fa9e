"""Which addresses exist outside, and that there is one way to write each."""

import http.client
import json

import pytest

from gateway.config import PUBLIC


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/auth/me", "identity"),
        ("/v1/companies", "identity"),
        ("/v1/users/7", "identity"),
        ("/v1/invitations/7/resend", "identity"),
        ("/v1/api-keys", "identity"),
        ("/v1/customers", "customers"),
        ("/v1/customers/7/restore?x=/v1/users", "customers"),
        ("/v1/customers?limit=50&name[contains]=a%2Fb", "customers"),
        ("/v1/audit-logs?table_name=customers", "audit"),
    ],
)
def test_address_leads_to_the_service_that_owns_it(gateway, wait, path: str, service: str) -> None:
    request_id = f"routing-{abs(hash(path))}"

    answer = gateway.authorized("GET", path, [("X-Request-Id", request_id)])

    assert answer.json["path"] == path
    wait(lambda: request_id in gateway.log.read_text())
    line = next(line for line in gateway.log.read_text().splitlines() if request_id in line)
    assert json.loads(line)["backend"] == service


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics",
        "/openapi.json",
        "/v1",
        "/v1/metrics",
        "/v1/openapi.json",
        "/v1/readyz",
        "/v1/customersx",
        "/v1/customers-export",
        "/v1/Customers",
        "/V1/customers",
        "/v1/.well-known",
        "/v2/customers",
        "/.well-known/jwks.json/",
        "/.well-known/openid-configuration",
        "/customers/v1",
        "/admin",
        "/internal/revocations",
        "/v1/internal/revocations",
    ],
)
@pytest.mark.parametrize("with_token", [True, False])
def test_address_that_is_not_listed_is_not_there(gateway, stand_in, path: str, with_token: bool) -> None:
    before = stand_in.calls.total()

    answer = (gateway.authorized if with_token else gateway.call)("GET", path)

    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert stand_in.calls.total() == before


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_a_public_address_is_public_for_its_post_alone(gateway, path: str) -> None:
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    assert gateway.call("POST", path, form, b"grant_type=client_credentials").json["body"] == 29
    for method, other in (("GET", path), ("PATCH", path), ("POST", f"{path}s")):
        assert gateway.call(method, other).status == 401
    # Other spellings would pass by the limit that names the path, with a token as well.
    for other in (f"{path}/", path.replace("a", "%61"), path.replace("/v1/i", "/v1/%69").replace("/v1/a", "/v1/%41")):
        for call in (gateway.call, gateway.authorized):
            assert call("POST", other, form, b"").json["code"] == "invalid_path"


@pytest.mark.parametrize(
    "path",
    [
        "//v1/customers",
        "/v1//customers",
        "/v1/customers//7",
        "/v1/customers/../../metrics",
        "/v1/customers/..",
        "/v1/customers/./7",
        "/v1/customers/.",
        "/v1/customers/%2e%2e/%2E%2E/metrics",
        "/v1/customers/.%2e/metrics",
        "/v1/customers/%252e%252e/metrics",
        "/v1/customers%2f..%2fmetrics",
        "/v1/customers/%2Fmetrics",
        "/v1/customers/..%5cmetrics",
        "/v1/customers\\..\\metrics",
        "/v1/customers/7%00",
        "/v1/customers/7%0d%0aX-User-Id:1",
        "/v1/customers/7%zz",
        "/v1/",
        "/v1/customers/",
        "/v1/customers/7/",
        "/v1/%63ustomers",
        "/v1/customers/%37",
        "/v1/customers/a%2Db",
        "/v1/customers/a%5Fb",
        "/v1/customers/%7e",
        "/v1/customers/%4A%5a%6F%70",
        "/v1/customers/7%2",
    ],
)
@pytest.mark.parametrize("with_token", [True, False])
def test_path_with_a_second_reading_is_refused(gateway, stand_in, path: str, with_token: bool) -> None:
    before = stand_in.calls.total()

    answer = (gateway.authorized if with_token else gateway.call)("GET", path)

    assert answer.status == 400
    assert answer.header("Content-Type") == "application/problem+json"
    assert stand_in.calls.total() == before


def test_address_with_a_fragment_is_refused(gateway, stand_in) -> None:
    before = stand_in.calls.total()

    assert gateway.authorized("GET", "/v1/customers#/../metrics").status == 400
    assert stand_in.calls.total() == before


def test_absolute_address_is_routed_by_its_path(gateway) -> None:
    # A proxy's form of the request: another host in it changes nothing about where it goes.
    assert gateway.authorized("GET", f"http://127.0.0.1:{gateway.port}/metrics").status == 404
    assert gateway.call("GET", f"http://127.0.0.1:{gateway.port}/v1/customers").status == 401


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND", "get"])
def test_method_that_is_not_listed_is_refused(gateway, method: str) -> None:
    answer = gateway.authorized(method, "/v1/customers")

    assert answer.status == 405
    assert answer.header("Allow") == "GET, HEAD, POST, PATCH, PUT, DELETE"


def test_gateway_is_no_tunnel(gateway, tokens) -> None:
    for target in ("crm:80", "/v1/customers"):
        request = f"CONNECT {target} HTTP/1.1\r\nHost: crm:80\r\nConnection: close\r\nAuthorization: Bearer {tokens.sign()}\r\n\r\n"
        answer = gateway.raw(request.encode())
        assert answer.status in (400, 405)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"])
def test_method_that_is_listed_reaches_the_service(gateway, method: str) -> None:
    assert gateway.authorized(method, "/v1/customers").status == 200


def test_gateway_is_alive_by_itself_and_ready_with_its_services(run, stand_in, wait, unused_port) -> None:
    gateway = run(audit=[f"127.0.0.1:{unused_port}"], customers=[])

    assert gateway.call("GET", "/livez").status == 200
    wait(lambda: "audit" in gateway.call("GET", "/readyz").body.decode())
    answer = gateway.call("GET", "/readyz")
    assert (answer.status, answer.json["code"], answer.header("Retry-After")) == (503, "not_ready", "2")
    assert answer.json["detail"] == "No live server: customers audit."


def test_server_that_says_it_is_not_ready_gets_no_request(run, stand_in, wait) -> None:
    gateway = run()
    wait(lambda: gateway.call("GET", "/readyz").status == 200)

    stand_in.ready = False
    try:
        # It is not ready as soon as one service is not, and finds that out of each by itself.
        wait(lambda: gateway.call("GET", "/readyz").status == 503)
        answer = wait(lambda: (asked := gateway.authorized("GET", "/v1/customers")).status == 503 and asked)
    finally:
        stand_in.ready = True

    assert (answer.status, answer.json["code"]) == (503, "service_unavailable")
    wait(lambda: gateway.call("GET", "/readyz").status == 200)


def test_metrics_are_on_their_own_port_alone(gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.metrics_port, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()

    assert 'haproxy_backend_http_responses_total{proxy="customers"' in text
    assert gateway.call("GET", "/metrics").status == 404
