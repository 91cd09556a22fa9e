"""Pages and documents are for everybody, to be read alone, and say nothing of who asks to whoever serves them."""

import json

import pytest

from gateway.config import PAGES


@pytest.fixture(scope="module")
def with_pages(run, stand_in):
    return run(web=[stand_in.address])


@pytest.mark.parametrize("path", [*PAGES, "/docs/events", "/docs/guides/access", "/assets/page.123.css"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_needs_no_token(with_pages, path: str, method: str) -> None:
    answer = with_pages.call(method, path)
    assert answer.status == 200
    assert method == "HEAD" or answer.json["path"] == path


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_page_is_only_read(with_pages, method: str) -> None:
    answer = with_pages.call(method, "/docs", body=b"")
    assert (answer.status, answer.json["code"], answer.header("Allow")) == (405, "method_not_allowed", "GET, HEAD")


def test_what_would_say_who_asks_goes_no_further(with_pages) -> None:
    answer = with_pages.authorized("GET", "/docs", [("Cookie", "__Host-crm_1=secret")])
    names = {name.lower() for name, _ in answer.json["headers"]}
    assert names.isdisjoint({"authorization", "cookie"})
    assert "x-request-id" in names


@pytest.mark.parametrize(
    "path",
    [
        "/doc",
        "/docsx",
        "/docs//x",
        "/docs/../v1/customers",
        "/assets",
        "/openapi.json/",
        "/internal/revocations",
        "/metrics",
    ],
)
def test_nothing_else_is_opened(with_pages, path: str) -> None:
    assert with_pages.call("GET", path).status in (400, 404)


def test_the_api_asks_for_its_token_as_before(with_pages) -> None:
    assert with_pages.call("GET", "/v1/customers").status == 401
    assert with_pages.status() == 200


def test_the_api_is_ready_without_the_pages(run, stand_in) -> None:
    gateway = run(web=["127.0.0.1:1"])
    assert gateway.call("GET", "/readyz").status == 200
    assert gateway.call("GET", "/docs").status == 503
    assert gateway.status() == 200


@pytest.mark.parametrize(
    ("path", "status"), [("/docs/html-404", 400), ("/docs/html-500", 502), ("/docs/problem-409", 409)]
)
def test_an_error_that_is_no_problem_document_is_replaced(with_pages, path: str, status: int) -> None:
    answer = with_pages.call("GET", path)
    assert answer.status == status
    assert json.loads(answer.body)["code"]
