"""An end to every exchange: a client that sends or reads too slowly keeps no thread for longer than it may."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

# From the first byte of the request to the last one of the answer; below the gateway's 15 s.
SECONDS = 12.0
_ROUND_SECONDS = 0.5


@dataclass(eq=False, slots=True)
class Exchange:
    """A request with its answer on the way, on `connection`, until `expires` (monotonic seconds)."""

    connection: socket.socket
    expires: float

    def extend(self, seconds: float) -> None:
        """Allow so many seconds from now on: for an answer that goes on as long as somebody reads it."""
        self.expires = time.monotonic() + seconds


class Deadlines:
    """Cuts the connections of exchanges that take too long; one thread of this process looks after all of them.

    gunicorn's own timeout does not see them: in threaded workers it watches the worker alone.
    """

    def __init__(self) -> None:
        self._open: set[Exchange] = set()
        self._lock = threading.Lock()
        self._watch: threading.Thread | None = None

    def begin(self, connection: socket.socket) -> Exchange:
        """An exchange that is cut after the deadline unless it ends before."""
        exchange = Exchange(connection, time.monotonic() + SECONDS)
        with self._lock:
            self._open.add(exchange)
            # Not before the first request: threads do not survive gunicorn's fork.
            if self._watch is None:
                self._watch = threading.Thread(target=self._cut_expired, name="deadlines", daemon=True)
                self._watch.start()
        return exchange

    def end(self, exchange: Exchange) -> None:
        """The exchange is over; its connection may go on to the next."""
        with self._lock:
            self._open.discard(exchange)

    def _cut_expired(self) -> None:
        while True:
            time.sleep(_ROUND_SECONDS)
            now = time.monotonic()
            # Under the lock, so that no connection is cut that has just gone on to another request.
            with self._lock:
                for exchange in [one for one in self._open if one.expires < now]:
                    self._open.discard(exchange)
                    with contextlib.suppress(OSError):
                        exchange.connection.shutdown(socket.SHUT_RDWR)
