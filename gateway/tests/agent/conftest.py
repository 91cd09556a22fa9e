"""An identity that says what the test wants, and a gateway that nobody has told anything yet."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway import map_files

KEY = "agents-key-" + "k" * 32


class Identity(ThreadingHTTPServer):
    """A feed: `everything` answers a question without a cursor, `news` one with it; `status` and `body` replace both."""

    daemon_threads = True
    key = KEY

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Feed)
        self.everything, self.news = {}, {}
        self.status, self.body = 200, None
        self.asked, self.connections = [], set()
        self.hanging = threading.Event()
        self.hanging.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Feed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Identity

    def do_GET(self) -> None:
        self.server.hanging.wait(20)
        parts = urlsplit(self.path)
        after = parse_qs(parts.query).get("after", [None])[0]
        self.server.asked.append(after)
        self.server.connections.add(self.client_address)
        known = parts.path == "/internal/revocations" and self.headers["Authorization"] == f"Bearer {KEY}"
        told = self.server.everything if after is None else self.server.news
        document = {"cursor": str(len(self.server.asked)), "users": {}, "sessions": [], "companies": {}} | told
        body = json.dumps(document).encode() if self.server.body is None else self.server.body
        self.send_response(self.server.status if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def identity():
    with Identity() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.hanging.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def own(run):
    """A gateway for this module, which nobody has told anything yet."""
    return run(synced=None)


@pytest.fixture
def fresh(own):
    """That gateway, started anew on empty files."""
    own.kill()
    for name in map_files.NAMES:
        map_files.write(own.maps, name, {})
    own.start()
    return own
