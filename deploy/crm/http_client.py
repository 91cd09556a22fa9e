"""One HTTP request, with JSON or bytes in and out."""

import http.client
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

_OK = 200


@dataclass(frozen=True)
class Answer:
    """Status and decoded body (None where it is no JSON)."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def detail(self) -> str:
        """What a problem document says (RFC 9457), or the bare status."""
        detail = self.body.get("detail") or self.body.get("title") if isinstance(self.body, dict) else None
        return f"{self.status} {detail}" if detail else str(self.status)

    @property
    def code(self) -> str | None:
        """The stable code of a problem document."""
        return self.body.get("code") if isinstance(self.body, dict) else None


def ask(
    url: str,
    *,
    method: str = "GET",
    body: object = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Answer:
    """Send one request, with `body` as JSON or `content` as it is.

    Raises OSError or http.client.HTTPException where no answer comes.
    """
    sent = dict(headers or {})
    if body is not None:
        content = json.dumps(body).encode()
        sent["Content-Type"] = "application/json"
    elif content is not None:
        sent["Content-Type"] = "application/octet-stream"
    with _sent(url, method, content, sent, timeout) as response:
        return _answer(response)


def download(url: str, target: IO[bytes], *, headers: Mapping[str, str], timeout: float = 60.0) -> Answer:
    """Write what a GET answers with 200 into `target` as it comes; another answer is read as `ask` reads it.

    Raises OSError or http.client.HTTPException where no answer comes or it breaks off.
    """
    with _sent(url, "GET", None, headers, timeout) as response:
        if response.status != _OK:
            return _answer(response)
        shutil.copyfileobj(response, target)
        return Answer(response.status, None, {})


@contextmanager
def _sent(
    url: str, method: str, content: bytes | None, headers: Mapping[str, str], timeout: float
) -> Iterator[http.client.HTTPResponse]:
    parts = urlsplit(url)
    scheme = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = scheme(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), content, dict(headers))
        yield connection.getresponse()
    finally:
        connection.close()


def _answer(response: http.client.HTTPResponse) -> Answer:
    text = response.read()
    try:
        decoded = json.loads(text)
    except ValueError:
        decoded = None
    return Answer(response.status, decoded, {name.lower(): value for name, value in response.getheaders()})
