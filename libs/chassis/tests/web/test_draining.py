"""A web process that is told to end, by gunicorn itself: whoever sends it requests loses none."""

import contextlib
import http.client
import signal
from dataclasses import dataclass
from pathlib import Path

from chassis.testing.waiting import wait_until

_APPLICATION = """
from audit.wsgi import create_app
app = create_app()
"""
_DRAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Answer:
    status: int
    closes: bool


class Client:
    """One connection, which is kept."""

    def __init__(self, address):
        self._connection = http.client.HTTPConnection(*address[:2], timeout=5)
        self._connection.connect()

    def ask(self, path):
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        answer.read()
        return Answer(answer.status, answer.getheader("Connection") == "close")

    def close(self):
        self._connection.close()


@contextlib.contextmanager
def serving(web_process, seconds):
    """A web process that is ready, and what opens connections to it."""
    with (
        web_process(_APPLICATION, WEB_DRAIN_SECONDS=str(seconds)) as (address, process),
        contextlib.ExitStack() as stack,
    ):

        def connect():
            return stack.enter_context(contextlib.closing(Client(address)))

        def is_ready():
            with contextlib.suppress(OSError):
                return connect().ask("/readyz").status == 200

        wait_until(is_ready, 20)
        yield connect, process


def refused(connect):
    try:
        connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_it_says_that_it_ends_and_answers_until_nobody_asks(web_process):
    with serving(web_process, _DRAIN_SECONDS) as (connect, process):
        kept, late = connect(), connect()
        for client in (kept, late):
            assert client.ask("/livez") == Answer(200, closes=False)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: connect().ask("/readyz").status == 503)
        # New connections are taken and old ones are answered; each answer is the last one on its connection.
        assert connect().ask("/readyz") == Answer(503, closes=True)
        assert connect().ask("/livez") == Answer(200, closes=True)
        assert kept.ask("/livez") == Answer(200, closes=True)
        # Refused afterwards, while it still waits for who may be sending on a connection that is open.
        wait_until(lambda: refused(connect))
        assert process.poll() is None
        assert late.ask("/livez") == Answer(200, closes=True)
        assert process.wait(10) == 0


def test_without_a_time_to_drain_it_refuses_at_once_and_answers_on_what_is_open(web_process):
    with serving(web_process, "") as (connect, process):
        kept = connect()
        assert kept.ask("/livez") == Answer(200, closes=False)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: refused(connect))
        assert process.poll() is None
        assert kept.ask("/livez") == Answer(200, closes=True)
        assert process.wait(10) == 0


def test_new_workers_are_no_end(web_process):
    with serving(web_process, _DRAIN_SECONDS) as (connect, process):
        pids = children(process)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: not pids & children(process))
        for _ in range(20):
            assert connect().ask("/readyz") == Answer(200, closes=False)


def children(process):
    """The pids of its workers."""
    return set(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
