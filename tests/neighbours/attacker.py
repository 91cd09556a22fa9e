"""A client that means no good, in a process of its own: reads jobs as lines of JSON, answers what it got to each.

It says `begun` when a job has been read, and at its end what came of it. A job has `port` and `source` (the address that
it comes from), `requests` (in base64), `way` of sending them, how many `connections` at once and for how many `seconds`,
or `once` each. It answers how often each status came; 0 is a connection that ended without one, and `failed` are the
places of the requests that got 500 and more. Whoever is refused for a rate waits a little, as even a greedy client would,
and where each request is to be answered comes again from another address.
"""

import base64
import contextlib
import json
import random
import re
import socket
import sys
import threading
import time
from collections import Counter

_PATIENCE = 20.0
_SMALLEST_BUFFER = 2_048
_REFUSED_SECONDS = 0.05
_RATE_SECONDS = 0.2
# What is counted by account or tenant stays refused.
_MOST_TRIES = 3
_PAUSE_SECONDS = 0.5


class Attack:
    """One job at work."""

    def __init__(self, job: dict) -> None:
        self._job = job
        self._requests = [base64.b64decode(text) for text in job["requests"]]
        self._ends = time.monotonic() + job["seconds"]
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()
        self.failed: list[int] = []

    def run(self) -> None:
        way = {"send": self.send, "end": self.end, "drip": self.drip, "stall": self.stall}[self._job["way"]]
        threads = [
            threading.Thread(target=self._repeat, args=(way, number)) for number in range(self._job["connections"])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _repeat(self, way, number: int) -> None:
        source, tries = self._job["source"], 0
        while time.monotonic() < self._ends and not (self._job["once"] and number >= len(self._requests)):
            place = number % len(self._requests)
            status = 0
            with contextlib.suppress(OSError), self._connected(source) as connection:
                status = way(connection, self._requests[place])
            tries += 1
            if status == 429 and self._job["once"] and tries < _MOST_TRIES:
                time.sleep(_RATE_SECONDS)
                source = f"127.201.{random.randrange(256)}.{random.randrange(1, 255)}"
                continue
            with self._lock:
                self.statuses[status] += 1
                if status >= 500:
                    self.failed.append(place)
            if status in (0, 429) and not self._job["once"]:
                time.sleep(_REFUSED_SECONDS)
            number += self._job["connections"]
            tries = 0

    @contextlib.contextmanager
    def _connected(self, source: str):
        with socket.socket() as connection:
            if self._job["way"] == "stall":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALLEST_BUFFER)
            connection.bind((source, 0))
            connection.settimeout(_PATIENCE)
            connection.connect(("127.0.0.1", self._job["port"]))
            yield connection

    def send(self, connection: socket.socket, request: bytes) -> int:
        """All of it, and read the answer."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        return _answer(connection)

    def end(self, connection: socket.socket, request: bytes) -> int:
        """All of it, and say that no more will come, so that nobody waits for what is missing."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        return _answer(connection)

    def drip(self, connection: socket.socket, request: bytes) -> int:
        """Most of it, and then a byte now and again; the last one never."""
        connection.sendall(request[:-400])
        connection.settimeout(0.2)
        for byte in request[-400:-1]:
            if time.monotonic() > self._ends:
                break
            connection.sendall(bytes([byte]))
            with contextlib.suppress(TimeoutError):
                if head := connection.recv(64):
                    return _status(head)
        return 0

    def stall(self, connection: socket.socket, request: bytes) -> int:
        """All of it, and read one byte of the answer a second."""
        connection.sendall(request)
        head = b""
        while time.monotonic() < self._ends:
            part = connection.recv(1)
            if not part:
                break
            head += part
            # Who is refused asks again; who is served sits on it.
            time.sleep(0 if len(head) < len(b"HTTP/1.1 200") else 1)
            if len(head) == len(b"HTTP/1.1 200") and _status(head) == 429:
                break
        return _status(head)


def _answer(connection: socket.socket) -> int:
    """The status of an answer that was read as a whole, so that no request leaves its rest to the next one."""
    answer = b""
    connection.settimeout(_PATIENCE)
    while b"\r\n\r\n" not in answer and (part := connection.recv(65_536)):
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\ncontent-length: *([0-9]+)", head)
    bodiless = _status(head) in (204, 304)
    # What says no length ends with its connection, or is in chunks; of those a pause is taken for the end.
    connection.settimeout(_PATIENCE if length else _PAUSE_SECONDS)
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while not bodiless and (not length or len(body) < int(length[1])) and (part := connection.recv(65_536)):
            body += part
    return _status(head)


def _status(head: bytes) -> int:
    return int(head[9:12]) if head.startswith(b"HTTP/1.") and head[9:12].isdigit() else 0


def main() -> None:
    """Work until the standard input ends."""
    for line in sys.stdin:
        attack = Attack(json.loads(line))
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        attack.run()
        statuses = {str(status): count for status, count in attack.statuses.items()}
        sys.stdout.write(json.dumps({"statuses": statuses, "failed": attack.failed}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
