"""The client that operators' commands use: patient with a gateway that is away, and safe to repeat."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from crm.client.api import Api, RefusedError, fixed


class Gateway(ThreadingHTTPServer):
    """Answers with the statuses given, one after the other; `heard` has the method and the key of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int] = []
        self.heard: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.heard.append((self.command, self.headers.get("Idempotency-Key")))
        status = self.server.statuses.pop(0)
        if status == 0:
            self.close_connection = True  # Takes the request and is gone.
            return
        body = json.dumps({"status": status, "code": "a_code", "detail": "A sentence."}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815  # The library's names.

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # The library's name.
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("away", [502, 503, 504, 0])
def test_what_was_asked_of_a_gateway_that_is_away_is_asked_again_under_one_key(gateway: Gateway, away: int) -> None:
    gateway.statuses = [away, away, 201, 201]
    api = Api(gateway.url, fixed("token"))
    assert api.post("/tasks", {"title": "Call"}).status == 201
    assert api.post("/tasks", {"title": "Call"}).status == 201
    keys = [key for _, key in gateway.heard]
    assert len(set(keys[:3])) == 1
    assert keys[0]
    assert keys[3] not in keys[:3]


def test_what_has_no_key_is_asked_once(gateway: Gateway) -> None:
    gateway.statuses = [503, 503]
    with pytest.raises(RefusedError):
        Api(gateway.url, fixed("token")).ask("PATCH", "/tasks/1", {"title": "Call"})
    assert gateway.heard == [("PATCH", None)]
