"""Another service that answers, is slow, talks nonsense, is gone and comes back: nobody waits for it for long."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chassis import service_client
from chassis.errors import Unavailable
from chassis.service_client import ServiceClient

KEY = "k" * 32
GOOD = b'{"data":[{"id":1}],"next":null}'


class Stub(ThreadingHTTPServer):
    """Answers as it is told to, and counts."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.bodies = []
        self.connections, self.hangs_up = 0, None
        self.status, self.body, self.headers, self.drip = 200, GOOD, {}, 0.0
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def setup(self):
        super().setup()
        self.server.connections += 1
        self.answered = 0

    def do_GET(self):
        stub = self.server
        stub.asked.append((self.path, self.headers["Authorization"]))
        if stub.hangs_up == "instead" and self.answered:
            self.close_connection = True
            return
        self.answered += 1
        try:
            self.send_response(stub.status)
            self.send_header("Content-Length", str(len(stub.body)))
            for name, value in stub.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not stub.drip:
                self.wfile.write(stub.body)
            for index in range(len(stub.body) if stub.drip else 0):
                self.wfile.write(stub.body[index : index + 1])
                self.wfile.flush()
                time.sleep(stub.drip)  # The slowness that is tested.
        except OSError:
            self.close_connection = True
        if stub.hangs_up == "afterwards":
            self.close_connection = True

    def do_POST(self):
        self.server.bodies.append((self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
        self.do_GET()

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def stub():
    server = Stub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def keeping(stub, monkeypatch):
    """The stub, keeping connections as services do."""
    monkeypatch.setattr(Handler, "protocol_version", "HTTP/1.1")
    return stub


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when the test says so, for the pause alone."""

    class Clock:
        ahead = 0.0

        def monotonic(self):
            return time.monotonic() + self.ahead

    clock = Clock()
    monkeypatch.setattr(service_client, "time", clock)
    return clock


def timed(call):
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        call()
    assert (caught.value.code, caught.value.headers) == ("reference_unavailable", {"Retry-After": "2"})
    return time.monotonic() - began


def test_records_come_with_the_key_and_the_id_to_go_on_behind(stub):
    stub.body = b'{"data":[{"id":1}],"next":7}'
    answer = ServiceClient("owner", stub.url, KEY).records("/internal/things/3", {"ids": "1,2"})
    assert (answer.data, answer.next) == ([{"id": 1}], 7)
    assert stub.asked == [("/internal/things/3?ids=1%2C2", f"Bearer {KEY}")]


def test_what_is_too_long_for_an_address_is_asked_as_a_body(stub):
    stub.body = b'{"found":[2],"more":1}'
    client = ServiceClient("owner", stub.url, KEY)
    assert client.ask("/internal/things/3", {}, ("found",), {"named": ["ü" * 5000]}) == {"found": [2]}
    assert stub.bodies == [("application/json", f'{{"named":["{"ü" * 5000}"]}}'.encode())]
    assert stub.asked == [("/internal/things/3?", f"Bearer {KEY}")]
    stub.status = 422
    timed(lambda: client.ask("/internal/things/3", {}, ("found",), {}))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, GOOD) for status in (500, 401, 404, 302)),
        (204, b""),
        *((200, body) for body in (b"<html>", b"[]", b"{}", b"null", b'{"data":{},"next":null}')),
        (200, b'{"data":[],"next":"x"}'),
    ],
)
def test_what_is_no_answer_is_a_failure_and_never_an_empty_list(stub, status, body):
    stub.status, stub.body, stub.headers = status, body, {"Location": stub.url}
    timed(lambda: ServiceClient("owner", stub.url, KEY).records("/x", {}))


def test_an_answer_that_drips_is_cut_off_in_time(stub):
    stub.drip = 0.2
    assert 0.9 < timed(lambda: ServiceClient("owner", stub.url, KEY).records("/x", {})) < 1.9


def test_nobody_waits_long_for_somebody_who_takes_the_call_and_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert timed(lambda: ServiceClient("owner", url, KEY).records("/x", {})) < 1.9


def test_after_a_failure_nobody_asks_until_the_pause_is_over_and_then_one(stub, clock):
    client = ServiceClient("owner", stub.url, KEY)
    stub.status = 500
    timed(lambda: client.records("/x", {}))
    began = time.monotonic()
    for _ in range(1000):
        with pytest.raises(Unavailable):
            client.records("/x", {})
    assert time.monotonic() - began < 1
    assert len(stub.asked) == 1
    clock.ahead, stub.drip, stub.status, stub.body = 2.1, 0.01, 200, GOOD
    gate = threading.Barrier(8)

    def ask():
        gate.wait(10)
        try:
            return client.records("/x", {}).data
        except Unavailable:
            return None

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
    assert len(stub.asked) == 2
    assert [answer for answer in answers if answer] == [[{"id": 1}]]
    client.records("/x", {})
    assert len(stub.asked) == 3


def test_a_thread_asks_again_over_the_connection_that_it_has(keeping, clock):
    client = ServiceClient("owner", keeping.url, KEY)
    for _ in range(3):
        client.records("/x", {})
    assert (len(keeping.asked), keeping.connections) == (3, 1)
    with ThreadPoolExecutor(1) as other:
        other.submit(client.records, "/x", {}).result()
    assert keeping.connections == 2
    clock.ahead = service_client.KEPT_SECONDS + 1
    client.records("/x", {})
    assert keeping.connections == 3


@pytest.mark.parametrize(("hangs_up", "asked"), [("afterwards", 3), ("instead", 5)])
def test_a_connection_that_the_service_has_closed_is_replaced(keeping, hangs_up, asked):
    """Between two questions, and under a question, which is asked again: no client sees that a service restarts."""
    keeping.hangs_up = hangs_up
    client = ServiceClient("owner", keeping.url, KEY)
    for _ in range(3):
        assert client.records("/x", {}).data == [{"id": 1}]
    assert keeping.connections == 3
    assert len(keeping.asked) == asked


def test_a_service_that_hangs_up_on_every_question_has_not_answered(keeping):
    client = ServiceClient("owner", keeping.url, KEY)
    client.records("/x", {})
    keeping.hangs_up, keeping.status = "instead", 500
    timed(lambda: client.records("/x", {}))
    assert len(keeping.asked) == 3


def test_a_kept_connection_makes_no_answer_longer_and_is_dropped_with_it(keeping, clock):
    client = ServiceClient("owner", keeping.url, KEY)
    client.records("/x", {})
    keeping.drip = 0.2
    assert 0.9 < timed(lambda: client.records("/x", {})) < 1.9
    keeping.drip, clock.ahead = 0.0, 2.1
    assert client.records("/x", {}).data == [{"id": 1}]
    assert keeping.connections == 2
