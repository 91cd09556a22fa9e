"""Another service, asked over HTTP: never for long, and not at all for a while after it did not answer."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import orjson
import structlog

from chassis import tracing
from chassis.context import current
from chassis.errors import Unavailable
from chassis.metrics import SERVICE_REQUESTS, show_from_zero

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0
PAUSE_SECONDS = 2.0
LARGEST_ANSWER = 16 * 1024 * 1024

# So long a thread goes on asking over one connection, less than servers keep one that nobody uses.
KEPT_SECONDS = 30.0

T = TypeVar("T")
_Asked = tuple[str, str, bytes | None, dict[str, str]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Records:
    """Records as their owner's events show them in `after`, and the id to go on behind, None at the end."""

    data: list[dict[str, Any]]
    next: int | None


class ServiceClient:
    """A service at `url` that `key` opens; `seconds` bounds a whole answer, however slowly it drips.

    After a failure it is left alone for two seconds, in which every question fails at once; then one question at a time
    tries whether it is back (a circuit breaker). Threads may share it; each keeps a connection of its own for a while.
    """

    def __init__(self, name: str, url: str, key: str, *, seconds: float = ANSWER_SECONDS) -> None:
        show_from_zero(SERVICE_REQUESTS, ("answered", "failed", "refused"), name)
        self._name = name
        self._url = urlsplit(url)
        self._key = key
        self._seconds = seconds
        self._local = threading.local()
        self._lock = threading.Lock()
        self._is_failing = False
        self._resting_until = float("-inf")

    def records(self, path: str, query: Mapping[str, object]) -> Records:
        """What the service answers to GET. Raises Unavailable: no answer in time, or none that makes sense.

        Nobody may hold a lock meanwhile: to be called outside of any transaction.
        """
        return self._ask(path, query, _records)

    def ask(
        self,
        path: str,
        query: Mapping[str, object],
        members: Collection[str],
        body: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """The object that the service answers to GET, which must have these members. Otherwise as `records`.

        What is too long for an address is asked as a `body`, by POST: a question all the same, which changes nothing.
        """

        def read(document: Any) -> dict[str, Any]:
            return {name: document[name] for name in members}

        return self._ask(path, query, read, None if body is None else orjson.dumps(body))

    def _ask(self, path: str, query: Mapping[str, object], read: Callable[[Any], T], body: bytes | None = None) -> T:
        self._refuse_in_pause()
        method = "GET" if body is None else "POST"
        try:
            with tracing.span(f"{method} {self._name}", "client"):
                found = read(orjson.loads(self._answer(method, f"{path}?{urlencode(query)}", body)))
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            with self._lock:
                self._is_failing, self._resting_until = True, time.monotonic() + PAUSE_SECONDS
            SERVICE_REQUESTS.labels(self._name, "failed").inc()
            log.warning("service_does_not_answer", service=self._name, path=path, error=str(error))
            raise self.unavailable() from None
        with self._lock:
            self._is_failing, self._resting_until = False, float("-inf")
        SERVICE_REQUESTS.labels(self._name, "answered").inc()
        return found

    def _refuse_in_pause(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._resting_until:
                SERVICE_REQUESTS.labels(self._name, "refused").inc()
                raise self.unavailable()
            if self._is_failing:
                self._resting_until = now + PAUSE_SECONDS

    def unavailable(self) -> Unavailable:
        """What it means to a client that the service does not answer."""
        return Unavailable(
            "reference_unavailable",
            f"The request names a record that has to be asked for at {self._name}, which does not answer now.",
            headers={"Retry-After": f"{PAUSE_SECONDS:.0f}"},
        )

    def _answer(self, method: str, target: str, body: bytes | None) -> bytes:
        headers = {"Authorization": f"Bearer {self._key}", "X-Request-Id": current().request_id}
        if (trace := tracing.traceparent()) is not None:
            headers["traceparent"] = trace
        if body is not None:
            headers["Content-Type"] = "application/json"
        asked = (method, target, body, headers)
        ends = time.monotonic() + self._seconds
        line: Line | None = getattr(self._local, "line", None)
        # Only what is put back is used again: a line of which an answer was not read to its end is none any more.
        self._local.line = None
        if line is not None and line.is_open():
            # The server may close a line just as it is used, and what is asked changes nothing.
            with contextlib.suppress(ConnectionError):
                return self._over(line, asked, ends)
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        host = self._url.hostname or ""
        line = Line(kind(host, self._url.port, timeout=min(CONNECT_SECONDS, self._seconds)))
        return self._over(line, asked, ends)

    def _over(self, line: "Line", asked: _Asked, ends: float) -> bytes:
        try:
            status, content, stays = line.ask(asked, ends)
        except BaseException:
            line.close()
            raise
        if stays:
            self._local.line = line
        else:
            line.close()
        if status != HTTPStatus.OK:
            raise HTTPException(f"status {status}")
        return content


class Line:
    """A connection to a service, kept by a thread for its next question."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        self._since = time.monotonic()
        connection.connect()

    def is_open(self) -> bool:
        """Whether another question can go over it: it is young enough, and there is nothing to read, such as its end.

        Where a name stands for several servers a new one gets its share, because no line is kept for long.
        """
        if time.monotonic() - self._since > KEPT_SECONDS:
            return False
        waiting = select.poll()
        waiting.register(self._connection.sock, select.POLLIN)
        return not waiting.poll(0)

    def ask(self, asked: _Asked, ends: float) -> tuple[int, bytes, bool]:
        """The status and the content of an answer that is there before `ends`, and whether the line stays usable."""
        self._connection.sock.settimeout(max(ends - time.monotonic(), 0.001))
        self._connection.request(*asked)
        self._connection.response_class = partial(_Answer, ends=ends)  # type: ignore[assignment]  # It is called alone.
        # Closed by itself as well: one that was not read to its end would keep the connection's socket.
        with self._connection.getresponse() as answer:
            content = answer.read(LARGEST_ANSWER + 1)
            if len(content) > LARGEST_ANSWER:
                raise HTTPException("the answer is too large")
            return answer.status, content, not answer.will_close

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __del__(self) -> None:
        """Hang up for a thread that has ended."""
        self.close()


class _Answer(HTTPResponse):
    """An answer that is read until `ends` (monotonic seconds), however slowly it drips."""

    def __init__(self, connected: socket.socket, *arguments: Any, ends: float, **named: Any) -> None:
        super().__init__(connected, *arguments, **named)
        self.fp.close()
        self.fp = BufferedReader(_Until(connected, ends))


class _Until(RawIOBase):
    """What comes from a socket until `ends`; the socket's own timeout would begin anew with every byte."""

    def __init__(self, connected: socket.socket, ends: float) -> None:
        self._connected = connected
        self._ends = ends
        # It keeps the socket until the answer is closed, also where the connection is closed before.
        self._raw = connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connected.settimeout(max(self._ends - time.monotonic(), 0.001))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _records(document: Any) -> Records:
    data, following = document["data"], document["next"]
    if not isinstance(data, list) or not isinstance(following, int | None):
        raise TypeError("the answer is no list of records")
    return Records(data, following)
