"""The gateway's own errors: one form, one request id, and no second sending of what may have had an effect."""

import json
import re

import pytest

SHORT_DEADLINES = {
    "timeout server 15s": "timeout server 300ms",
    "timeout client 30s": "timeout client 300ms",
    "timeout http-request 10s": "timeout http-request 300ms",
}
NIL = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="session")
def impatient(run, unused_port):
    def shorten(text: str) -> str:
        for long, short in SHORT_DEADLINES.items():
            assert text.count(long) == 1
            text = text.replace(long, short)
        return text

    return run(edit=shorten, audit=[f"127.0.0.1:{unused_port}"])


def assert_problem(answer, status: int, code: str) -> None:
    assert answer.status == status
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Cache-Control") == "no-store"
    document = answer.json
    assert document["type"] == f"urn:crm:problem:{code}"
    assert (document["status"], document["code"]) == (status, code)
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == answer.header("X-Request-Id")
    assert document["request_id"]


def assert_refused_by_the_parser(answer, status: int, code: str) -> None:
    """HAProxy 2.6 cannot be told what to say here (haproxy#3032): its own page is what there is, and it names nobody."""
    if answer.header("Content-Type") == "text/html":
        assert answer.status == status
        assert b"haproxy" not in answer.body.lower()
    else:
        assert_problem(answer, status, code)
        assert answer.json["request_id"] == NIL


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/customers/../x", 400, "invalid_path"),
        ("GET", "/v1/customers", 401, "missing_token"),
        ("GET", "/nowhere", 404, "not_found"),
        ("OPTIONS", "/v1/customers", 405, "method_not_allowed"),
        ("GET", "/v1/customers?" + "x" * 4000, 414, "uri_too_long"),
    ],
)
def test_refusal_is_a_problem_with_the_request_id(gateway, method: str, path: str, status: int, code: str) -> None:
    assert_problem(gateway.call(method, path), status, code)


def test_body_that_is_too_large_is_refused_before_it_is_sent(gateway, stand_in) -> None:
    answer = gateway.authorized("POST", "/v1/customers/large", [("Content-Length", "1048577")])

    assert_problem(answer, 413, "body_too_large")
    assert stand_in.calls["POST /v1/customers/large"] == 0


def test_body_of_exactly_the_limit_passes(gateway) -> None:
    assert gateway.authorized("POST", "/v1/customers", body=b"x" * 1_048_576).json["body"] == 1_048_576


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET /v1/customers HTTP/1.1\r\nHost: crm\r\nX-User\0Id: 1\r\n\r\n",
        b"GET /v1/customers HTTP/1.1\r\nHost: crm\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /v1/customers HTTP/1.1\r\nHost: crm\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/cust\x00omers HTTP/1.1\r\nHost: crm\r\n\r\n",
        b"GET /v1/customers HTTP/1.1\r\nHost: crm\r\n" + b"A: b\r\n" * 100 + b"\r\n",
    ],
    ids=["no-colon", "nul-in-name", "two-lengths", "negative-length", "nul-in-path", "100-headers"],
)
def test_request_that_is_no_http_is_refused_and_reaches_no_service(gateway, stand_in, data: bytes) -> None:
    before = stand_in.calls.total()

    assert_refused_by_the_parser(gateway.raw(data), 400, "bad_request")
    assert stand_in.calls.total() == before


def test_request_that_does_not_arrive_in_time_is_refused(impatient) -> None:
    assert_refused_by_the_parser(impatient.raw(b"GET /v1/customers HTTP/1.1\r\nHost: crm\r\n"), 408, "request_timeout")


def test_body_that_does_not_arrive_in_time_occupies_no_service(impatient, tokens, stand_in) -> None:
    request = f"POST /v1/customers HTTP/1.1\r\nHost: crm\r\nAuthorization: Bearer {tokens.sign()}\r\nContent-Length: 9\r\n\r\n1"

    before = stand_in.calls.total()

    answer = impatient.raw(request.encode())

    # HAProxy gives this one by itself, from the file that it has for it.
    assert (answer.status, answer.json["code"], answer.json["request_id"]) == (408, "request_timeout", NIL)
    assert stand_in.calls.total() == before


def test_answer_that_is_no_http_is_a_bad_gateway(gateway) -> None:
    assert_problem(gateway.authorized("GET", "/v1/customers/garbage"), 502, "bad_gateway")


def test_service_without_a_server_is_unavailable_for_now(impatient, wait) -> None:
    answer = impatient.authorized("GET", "/v1/audit-logs")

    assert_problem(answer, 503, "service_unavailable")
    assert answer.header("Retry-After") == "2"


def test_service_that_does_not_answer_in_time_is_a_gateway_timeout(impatient, stand_in) -> None:
    before = stand_in.calls["GET /v1/customers/slow"]
    assert_problem(impatient.authorized("GET", "/v1/customers/slow"), 504, "gateway_timeout")
    assert stand_in.calls["GET /v1/customers/slow"] == before + 1


def test_problem_of_a_service_passes_unchanged_and_its_page_does_not(gateway) -> None:
    problem = gateway.authorized("GET", "/v1/customers/problem-409")
    assert (problem.status, problem.json) == (409, {"code": "conflict"})

    assert_problem(gateway.authorized("GET", "/v1/customers/html-404"), 400, "bad_request")
    assert_problem(gateway.authorized("GET", "/v1/customers/html-500"), 502, "bad_gateway")


def test_error_to_head_has_no_body(gateway) -> None:
    answer = gateway.call("HEAD", "/v1/customers")

    assert (answer.status, answer.body) == (401, b"")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_what_was_sent_is_not_sent_again_when_the_server_closes(gateway, stand_in, method: str) -> None:
    path = f"/v1/customers/{method}/close"

    assert_problem(gateway.authorized(method, path, body=b"{}"), 502, "bad_gateway")
    assert stand_in.calls[f"{method} {path}"] == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_goes_to_another_server_when_one_refuses_the_connection(run, stand_in, unused_port, method) -> None:
    gateway = run(customers=[f"127.0.0.1:{unused_port}", stand_in.address])

    assert [gateway.authorized(method, "/v1/customers", body=b"{}").status for _ in range(4)] == [200] * 4


def test_log_is_json_and_has_neither_token_nor_query(gateway, tokens, wait) -> None:
    token = tokens.sign(sub="31", company_id=77)
    path = "/v1/customers/a%22b?email=secret@example.org"
    gateway.call("GET", path, [("Authorization", f"Bearer {token}"), ("X-Request-Id", "log-test-1")])

    wait(lambda: "log-test-1" in gateway.log.read_text())
    text = gateway.log.read_text()
    line = json.loads(next(line for line in text.splitlines() if "log-test-1" in line))
    assert (line["path"], line["company_id"], line["user_id"]) == ("/v1/customers/a%22b", "77", "31")
    assert (line["method"], line["status"], line["backend"]) == ("GET", 200, "customers")
    assert "secret@example.org" not in text
    assert token.rpartition(".")[2] not in text


def test_every_line_of_the_access_log_is_json(gateway) -> None:
    gateway.call("GET", '/v1/"quote"?x')
    gateway.raw(b"GET / HTTP/1.1\r\nno colon here\r\n\r\n")

    lines = [line for line in gateway.log.read_text().splitlines() if not re.match(r"\[|.*Server |.*backend '", line)]
    assert lines
    assert all(json.loads(line)["event"] == "request" for line in lines)


def test_headers_that_are_too_large_together_are_refused(gateway, stand_in) -> None:
    before = stand_in.calls.total()
    answer = gateway.authorized("GET", "/v1/customers", [("A", "b" * 15_000), ("B", "b" * 15_000)])
    assert (answer.status, answer.json["code"]) == (431, "headers_too_large")
    assert stand_in.calls.total() == before
    assert gateway.authorized("GET", "/v1/customers", [("A", "b" * 15_000)]).status == 200


def test_nobody_speaks_http_2(gateway, stand_in) -> None:
    before = stand_in.calls.total()
    assert gateway.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)).status == 400
    assert stand_in.calls.total() == before
