"""The threads of a web process: one goes on with a connection that is busy, and none forgets the others for it."""

import contextlib
import http.client
import threading
import time

import pytest

from chassis.testing.waiting import wait_until

_APPLICATION = """
import threading

from audit.wsgi import create_app

app = create_app()


def which_thread(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(threading.get_ident()).encode()]


app.wsgi_app = which_thread
"""
_THREADS = 4


@pytest.fixture(scope="module")
def connect(web_process):
    """Opens connections to a process of four threads."""
    with (
        web_process(_APPLICATION, "--threads", str(_THREADS)) as (address, _),
        contextlib.ExitStack() as stack,
    ):

        def connected():
            return stack.enter_context(contextlib.closing(http.client.HTTPConnection(*address[:2], timeout=10)))

        def is_ready():
            with contextlib.suppress(OSError):
                return bool(thread_of(connected()))

        wait_until(is_ready, 20)
        yield connected


def thread_of(connection):
    connection.request("GET", "/")
    return connection.getresponse().read()


def test_requests_that_follow_at_once_are_answered_by_one_thread(connect):
    connections = [connect() for _ in range(_THREADS)]
    threads = set()

    def several_have_answered():
        threads.update(map(thread_of, connections))
        return len(threads) > 1

    wait_until(several_have_answered)
    # On a busy machine one may come late now and then.
    wait_until(lambda: len({thread_of(connections[0]) for _ in range(10)}) == 1)


def test_two_requests_in_one_piece_are_both_answered(connect):
    connection = connect()
    connection.connect()
    connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: crm\r\n\r\n" * 2)
    answered = b""
    while answered.count(b"200 OK") < 2:
        piece = connection.sock.recv(4096)
        assert piece, answered
        answered += piece


def test_busy_connections_leave_nobody_waiting(connect):
    until = time.monotonic() + 1.5
    counts = [0] * (2 * _THREADS)

    def keep_busy(place):
        connection = connect()
        while time.monotonic() < until:
            thread_of(connection)
            counts[place] += 1

    threads = [threading.Thread(target=keep_busy, args=(place,)) for place in range(len(counts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # More connections than threads: each has had its share.
    assert min(counts) > sum(counts) / len(counts) / 5, counts
