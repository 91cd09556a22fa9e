"""Another service, asked over HTTP: never for long, and not at all for a while after it did not answer."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
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

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Records:
    """Records as their owner's events show them in `after`, and the id to go on behind, None at the end."""

    data: list[dict[str, Any]]
    next: int | None


class ServiceClient:
    """A service at `url` that `key` opens; `seconds` bounds a whole answer, however slowly it drips.

    After a failure it is left alone for two seconds, in which every question fails at once; then one question at a time
    tries whether it is back (a circuit breaker). Threads may share it.
    """

    def __init__(self, name: str, url: str, key: str, *, seconds: float = ANSWER_SECONDS) -> None:
        show_from_zero(SERVICE_REQUESTS, ("answered", "failed", "refused"), name)
        self._name = name
        self._url = urlsplit(url)
        self._key = key
        self._seconds = seconds
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
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=min(CONNECT_SECONDS, self._seconds))
        began = time.monotonic()
        try:
            connection.connect()
            left = max(began + self._seconds - time.monotonic(), 0.001)
            # A socket's timeout begins anew with every byte; the guard ends the whole answer in time.
            connection.sock.settimeout(left)
            guard = threading.Timer(left, _cut, [connection.sock])
            guard.daemon = True
            guard.start()
            try:
                headers = {"Authorization": f"Bearer {self._key}", "X-Request-Id": current().request_id}
                if (trace := tracing.traceparent()) is not None:
                    headers["traceparent"] = trace
                if body is not None:
                    headers["Content-Type"] = "application/json"
                connection.request(method, target, body, headers)
                # Closed by itself as well: one that was not read to its end would keep the connection's socket.
                with connection.getresponse() as answer:
                    content = answer.read(LARGEST_ANSWER + 1)
            finally:
                guard.cancel()
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise HTTPException(f"status {answer.status}")
        if len(content) > LARGEST_ANSWER:
            raise HTTPException("the answer is too large")
        return content


def _records(document: Any) -> Records:
    data, following = document["data"], document["next"]
    if not isinstance(data, list) or not isinstance(following, int | None):
        raise TypeError("the answer is no list of records")
    return Records(data, following)


def _cut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
