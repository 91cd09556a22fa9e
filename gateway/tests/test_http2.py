"""HTTP/2 behind TLS: what holds for a request in a connection of its own holds for each of many in one."""

import json
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import pytest

from chassis.testing import certificates
from chassis.testing.token_battery import battery
from gateway.config import STREAMS
from gateway.render import Limits

RATES = ("tenant_per_10s", "principal_per_10s", "login_per_minute", "register_per_minute", "refresh_per_minute")
LIMITS = Limits(
    **dict.fromkeys((*RATES, "token_per_minute", "letter_per_minute", "calendar_per_minute")),
    principal_at_once=6,
    tenant_at_once=9,
    public_at_once=5,
)


@dataclass
class Received:
    """What has come of one answer; it is whole with `ended`, and `reset` holds why it will never be."""

    headers: dict = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    reset: int | None = None

    @property
    def status(self):
        return int(self.headers[":status"]) if self.headers else None


class Client:
    """One connection of HTTP/2 on which many requests are under way; nothing is asked twice, and nothing repaired."""

    def __init__(self, port, authority, *, reads=True):
        context = ssl.create_default_context(cafile=authority)
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.socket = certificates.connect(port, context, timeout=60)
        self.reads = reads
        # What a well-behaved client refuses to send is of interest, too.
        told = h2.config.H2Configuration(
            header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.connection = h2.connection.H2Connection(told)
        self.answers = {}
        self.ended = None
        self.connection.initiate_connection()
        self.flush()

    @property
    def protocol(self):
        return self.socket.selected_alpn_protocol()

    def send(self, path, token=None, method="GET", headers=(), body=None):
        stream = self.connection.get_next_available_stream_id()
        pseudo = [(":method", method), (":path", path), (":scheme", "https"), (":authority", "localhost")]
        given = [("authorization", f"Bearer {token}")] if token else []
        if body:
            given.append(("content-length", str(len(body))))
        # An empty body is one that never comes.
        self.connection.send_headers(stream, [*pseudo, *given, *headers], end_stream=body is None)
        self.answers[stream] = Received()
        self.flush()
        if body:
            self.write(stream, body)
        return stream

    def write(self, stream, body):
        """As much of it as the other side takes before it has answered."""
        while body and not self.over(stream):
            room = min(self.connection.local_flow_control_window(stream), self.connection.max_outbound_frame_size)
            if room == 0:
                self.receive()
                continue
            self.connection.send_data(stream, body[:room], end_stream=len(body) <= room)
            body = body[room:]
            self.flush()

    def reset(self, stream):
        self.connection.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        self.flush()

    def flush(self):
        try:
            self.socket.sendall(self.connection.data_to_send())
        except (ConnectionError, ssl.SSLError):
            self.ended = self.ended or "closed"

    def over(self, stream):
        answer = self.answers[stream]
        return answer.ended or answer.reset is not None or self.ended is not None

    def receive(self):
        """What comes next; Timeout where nothing does."""
        try:
            data = self.socket.recv(262_144)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self.ended = self.ended or "closed"
            return
        for event in self.connection.receive_data(data):
            answer = self.answers.get(getattr(event, "stream_id", None), Received())
            match event:
                case h2.events.ResponseReceived():
                    answer.headers = dict(event.headers)
                case h2.events.DataReceived():
                    answer.body += event.data
                    if self.reads:
                        self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case h2.events.StreamEnded():
                    answer.ended = True
                case h2.events.StreamReset():
                    answer.reset = event.error_code
                case h2.events.ConnectionTerminated():
                    self.ended = event.error_code
        self.flush()

    def wait(self, *streams):
        """The answers to these, as far as they come to an end."""
        while not all(self.over(stream) for stream in streams):
            self.receive()
        return [self.answers[stream] for stream in streams]

    def ask(self, path, token=None, **options):
        return self.wait(self.send(path, token, **options))[0]

    def close(self):
        with suppress(OSError):
            self.socket.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return certificates.make_certificate(tmp_path_factory.mktemp("tls") / "tls.crt")


@pytest.fixture(scope="module")
def free_port():
    def choose():
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return taken.getsockname()[1]

    return choose


@pytest.fixture(scope="module")
def tls_port(free_port):
    return free_port()


@pytest.fixture(scope="module")
def gateway(run, authority, tls_port):
    return run(limits=LIMITS, tls=(f"127.0.0.1:{tls_port}", authority))


@pytest.fixture
def connect(gateway, authority, tls_port):
    """A function that opens a connection."""
    assert gateway
    clients = []

    def open_one(**options):
        clients.append(Client(tls_port, authority, **options))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture
def holding(stand_in):
    """A function that says how many requests the service holds; they are let go in the end."""
    stand_in.released.clear()
    begun = sum(stand_in.calls.values())
    yield lambda: sum(stand_in.calls.values()) - begun
    stand_in.released.set()
    time.sleep(0.05)
    stand_in.released.clear()


def test_a_request_is_what_it_would_be_by_http_1_1(connect, gateway, tokens):
    client = connect()
    assert client.protocol == "h2"
    spoofed = [("x-company-id", "7"), ("x_user_id", "1"), ("cookie", "a=b"), ("x-forwarded-for", "10.0.0.1")]
    path = "/v1/customers?name=secret-of-a-query"
    answer = client.ask(path, tokens.sign(), headers=[*spoofed, ("x-request-id", "0123456789")])
    assert answer.status == 200
    assert answer.headers["x-request-id"] == "0123456789"
    received = {name.lower(): value for name, value in json.loads(answer.body)["headers"]}
    assert not received.keys() & {"x-company-id", "x_user_id", "x-user-id", "cookie"}
    assert received["x-forwarded-for"] == "127.0.0.1"
    # The log has the path as it has it of every request, and neither query nor host.
    (line,) = (json.loads(line) for line in gateway.log.read_text().splitlines() if '"0123456789"' in line)
    assert (line["path"], line["status"], line["method"]) == ("/v1/customers", 200, "GET")
    assert "secret-of-a-query" not in gateway.log.read_text()


def test_every_token_is_judged_as_by_http_1_1(connect, tokens):
    client, judged = connect(), 0
    for case in battery():
        authorization = case.authorization(tokens)
        try:
            answer = client.ask("/v1/customers", headers=[("authorization", authorization)])
        except (h2.exceptions.ProtocolError, UnicodeError):
            answer = Received()  # It cannot be said in HTTP/2.
        if answer.status is None:
            # What no header may hold ends the request, or all of the connection, also for the next one.
            client.close()
            client = connect()
            if not case.accepted:
                continue
            answer = client.ask("/v1/customers", headers=[("authorization", case.authorization(tokens))])
        assert answer.status == (200 if case.accepted else 401), case
        judged += 1
    assert judged > len(battery()) * 0.9


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/v1//customers", "GET", 400),
        ("/v1/../metrics", "GET", 400),
        ("/v1/customers/%2e%2e", "GET", 400),
        ("/metrics", "GET", 404),
        ("/v1/customers", "TRACE", 405),
        ("/v1/customers/" + "x" * 4100, "GET", 414),
    ],
)
def test_a_path_or_a_method_that_is_refused_there_is_refused_here(connect, tokens, path, method, status):
    assert connect().ask(path, tokens.sign(), method=method).status == status


def test_a_tunnel_is_not_opened(connect, tokens):
    client = connect()
    answer = client.ask("/v1/customers", tokens.sign(), method="CONNECT", headers=[(":protocol", "websocket")])
    assert answer.status in (None, 400, 405)


def test_a_body_is_taken_as_a_whole_and_one_that_is_too_large_is_answered(connect, tokens):
    client = connect()
    whole = client.ask("/v1/customers", tokens.sign(), method="POST", body=b"x" * 1_000_000)
    assert (whole.status, json.loads(whole.body)["body"]) == (200, 1_000_000)
    for size, path, token in ((1_048_577, "/v1/customers", tokens.sign()), (16_385, "/v1/auth/login", None)):
        answer = client.ask(path, token, method="POST", body=b"x" * size)
        assert (answer.status, json.loads(answer.body)["code"]) == (413, "body_too_large")
    # The connection has not suffered by it.
    assert client.ask("/v1/customers", tokens.sign()).status == 200


def test_many_requests_in_one_connection_are_as_many_at_once(connect, tokens, holding, stand_in):
    client, token = connect(), tokens.sign(company_id=31, sub="1")
    streams = [client.send("/v1/customers/hold", token) for _ in range(20)]
    while sum(map(client.over, streams)) < 14:
        client.receive()
    refused = [client.answers[stream] for stream in streams if client.over(stream)]
    assert {(answer.status, json.loads(answer.body)["code"]) for answer in refused} == {(429, "too_many_at_once")}
    # The six that are left wait for the service, or for a place of it.
    assert len(refused) == 14
    assert holding() <= 6
    # The tenant's share holds over its people and their connections, and nobody else's is touched.
    colleague = tokens.sign(company_id=31, sub="2")
    other = connect()
    more = [other.send("/v1/customers/hold", colleague) for _ in range(6)]
    while sum(map(other.over, more)) < 3:
        other.receive()
    assert holding() <= 9
    assert connect().ask("/v1/customers", tokens.sign(company_id=32, sub="3")).status == 200
    stand_in.released.set()
    assert sorted(answer.status for answer in client.wait(*streams)) == [200] * 6 + [429] * 14
    assert sorted(answer.status for answer in other.wait(*more)) == [200] * 3 + [429] * 3


def test_requests_without_a_token_are_bounded_by_their_address(connect, wait):
    client = connect()
    waiting = [client.send("/v1/auth/login", method="POST", body=b"") for _ in range(12)]
    while sum(map(client.over, waiting)) < 7:
        client.receive()
    assert [client.answers[stream].status for stream in waiting if client.over(stream)] == [429] * 7
    assert connect().ask("/v1/auth/login", method="POST").status == 429
    for stream in waiting:
        if not client.over(stream):
            client.reset(stream)
    # Who gives up makes room, as soon as HAProxy has heard of it.
    other = connect()
    wait(lambda: other.ask("/v1/auth/login", method="POST", body=b"{}").status == 200)


def test_a_connection_says_how_many_requests_it_carries(connect):
    client = connect()
    assert client.ask("/livez").status == 200
    assert client.connection.remote_settings.max_concurrent_streams == STREAMS


def test_whoever_begins_and_cancels_again_and_again_has_no_more_than_their_rate(
    run, authority, tokens, holding, free_port
):
    port = free_port()
    gateway = run(limits=Limits(principal_per_10s=20), tls=(f"127.0.0.1:{port}", authority))
    client, token = Client(port, authority), tokens.sign(company_id=41, sub="1")
    with suppress(OSError, h2.exceptions.ProtocolError):
        for _ in range(400):
            client.reset(client.send("/v1/customers/hold", token))
    client.close()
    # HAProxy takes a cancelled request for done, and closes its connection to the service, which may still work at it.
    assert holding() <= 20
    assert gateway.authorized("GET", "/v1/audit-logs", company_id=42, sub="2").status == 200


def test_whoever_does_not_read_takes_no_thread_of_a_service(connect, tokens, stand_in, wait):
    client, token = connect(reads=False), tokens.sign(company_id=51, sub="1")
    before = stand_in.calls["GET /v1/customers?long=1"]
    streams = [client.send("/v1/customers?long=1", token) for _ in range(6)]
    wait(lambda: stand_in.calls["GET /v1/customers?long=1"] - before >= 6)
    # The service has answered all of them; somebody else is answered by it at once.
    assert connect().ask("/v1/customers", tokens.sign(company_id=52, sub="2")).status == 200
    assert len(streams) == 6


def test_one_address_has_only_so_many_connections(run, authority, free_port):
    port = free_port()
    run(limits=Limits(source_connections=8), tls=(f"127.0.0.1:{port}", authority))
    clients, answered = [], 0
    for _ in range(12):
        with suppress(OSError):
            clients.append(Client(port, authority))
            answered += clients[-1].ask("/livez").status == 200
    for client in clients:
        client.close()
    assert 0 < answered <= 8
