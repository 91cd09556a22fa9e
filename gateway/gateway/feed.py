"""Asking identity what is revoked: over one connection that stays open, at the next address when one fails."""

import http.client
import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from gateway.revocations import Answer, InvalidAnswerError, read_answer

PATH = "/internal/revocations"
# Long enough for a database that is busy, and short enough for the next address to be asked in time.
_TIMEOUT_SECONDS = 1.0
_LARGEST = 64 * 1024 * 1024
_OK = 200
# What a connection that the other side has closed meanwhile looks like; the question can be asked again.
_CLOSED = (ConnectionError, http.client.RemoteDisconnected, http.client.CannotSendRequest)


class FeedError(Exception):
    """No address gave an answer; the text says for each of them why."""


class Feed:
    """The feeds of several processes of one identity, of which one is asked at a time."""

    def __init__(self, urls: Sequence[str], key: str) -> None:
        self._urls = list(urls)
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, after: str | None) -> Answer:
        """Everything, or what has changed after a cursor. Raises FeedError when no address has an answer."""
        reasons = []
        for _ in self._urls:
            try:
                return self._ask_first(after)
            except (OSError, http.client.HTTPException, ValueError) as error:
                reasons.append(f"{self._urls[0]}: {str(error) or type(error).__name__}")
                self.close()
                # Whoever answers stays first, so that a process that hangs costs its time once.
                self._urls.append(self._urls.pop(0))
        raise FeedError("; ".join(reasons))

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask_first(self, after: str | None) -> Answer:
        if self._connection is not None:
            try:
                return self._read(self._connection, after)
            except _CLOSED:
                self.close()
        self._connection = _connection(self._urls[0])
        return self._read(self._connection, after)

    def _read(self, connection: http.client.HTTPConnection, after: str | None) -> Answer:
        path = urlsplit(self._urls[0]).path.rstrip("/") + PATH + ("" if after is None else f"?after={after}")
        connection.request("GET", path, headers=self._headers)
        response = connection.getresponse()
        body = response.read(_LARGEST)
        if response.status != _OK:
            raise InvalidAnswerError(f"status {response.status}")
        return read_answer(json.loads(body))


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
