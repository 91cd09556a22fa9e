"""Exchanges with a real web process: bodies that are no HTTP, cut short or dripping, and answers that nobody reads."""

import contextlib
import socket
import time

import pytest

from chassis.testing.waiting import wait_until
from chassis.web import deadlines

_DEADLINE = 1.0
# The application of a service, as `python -m chassis web` runs it, with a deadline that a test can wait for.
_APPLICATION = f"""
from chassis.web import deadlines
deadlines.SECONDS = {_DEADLINE}
from audit.wsgi import create_app
app = create_app()
"""


@pytest.fixture(scope="module")
def address(web_process):
    """Where a web process of one thread listens."""
    with web_process(_APPLICATION, "--threads", "1") as (found, _):

        def first():
            with contextlib.suppress(OSError):
                return sent(found, "POST /v1/audit-logs HTTP/1.1\nHost: x\nConnection: close\n\n")

        # Its first request takes longest, and is to be none of those that have a deadline of a second.
        wait_until(first, 20)
        yield found


def sent(address, head, *parts, end=False, pause=0.0, patience=5.0):
    """All that comes back until the server closes, or `patience` seconds have passed."""
    with socket.create_connection(address, patience) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode())
        for part in parts:
            time.sleep(pause)
            connection.sendall(part)
        if end:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
    return answer


CHUNKED = "POST /v1/audit-logs HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n"
SIZED = "POST /v1/audit-logs HTTP/1.1\nHost: x\nConnection: close\nContent-Length: 1000\n\n"


@pytest.mark.parametrize(
    "body",
    [
        b"2\r\n{}\r\n0\r\nBad Name: y\r\n\r\n",
        b"2\r\n{}\r\n0\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"2\r\n{}\r\n0\r\nX: a\x00b\r\n\r\n",
        b"2\r\n{}\r\n0\r\nno colon\r\n\r\n",
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}xx0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_malformed_chunk_or_trailer_is_a_bad_request(address, body):
    answer = sent(address, CHUNKED, body)
    assert answer.startswith(b"HTTP/1.1 400"), answer[:300]
    assert b'"malformed_body"' in answer
    # A gateway would send the next request on it.
    assert b"\r\nconnection: close\r\n" in answer.lower()


@pytest.mark.parametrize("size", [0, 10, 999])
def test_a_body_that_is_cut_short_is_refused(address, size):
    answer = sent(address, SIZED, b"x" * size, end=True)
    assert answer.startswith(b"HTTP/1.1 400"), answer[:300]
    assert b'"incomplete_body"' in answer or b'"malformed_body"' in answer


def test_a_refusal_takes_the_body_first_so_that_the_connection_goes_on(address):
    head = "POST /nowhere HTTP/1.1\nHost: x\nContent-Length: 1000000\n\n".replace("\n", "\r\n").encode()
    with socket.create_connection(address, 5) as connection:
        for _ in range(3):
            connection.sendall(head + b"x" * 1_000_000)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 404"), answer[:200]
            length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            rest = length - len(answer.partition(b"\r\n\r\n")[2])
            while rest > 0:
                rest -= len(connection.recv(rest))


def test_a_body_that_drips_is_ended_and_the_only_thread_answers_the_next(address):
    began = time.monotonic()
    with contextlib.suppress(OSError):
        sent(address, SIZED, *[b"x"] * 40, pause=0.25)
    # Round of the watch, and the time until the client's write fails.
    assert time.monotonic() - began < _DEADLINE + 2
    assert sent(address, "GET /livez HTTP/1.1\nHost: x\nConnection: close\n\n").startswith(b"HTTP/1.1 200")


def test_an_exchange_that_ended_in_time_is_not_cut(monkeypatch):
    monkeypatch.setattr(deadlines, "SECONDS", 0.0)
    watch = deadlines.Deadlines()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        watch.end(watch.begin(ours))
        extended = watch.begin(ours)
        extended.extend(60)
        time.sleep(1.2)
        theirs.sendall(b"still there")
        assert ours.recv(100) == b"still there"
        extended.extend(-1)
        theirs.settimeout(5)
        assert theirs.recv(100) == b""
