"""One HTTP request to a process of this machine, with JSON in and out."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


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


def ask(
    url: str,
    *,
    method: str = "GET",
    body: object = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Answer:
    """Send one request. Raises OSError or http.client.HTTPException where no answer comes."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    sent = dict(headers or {})
    content = None
    if body is not None:
        content = json.dumps(body).encode()
        sent["Content-Type"] = "application/json"
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), content, sent)
        response = connection.getresponse()
        text = response.read()
        try:
            decoded = json.loads(text)
        except ValueError:
            decoded = None
        return Answer(response.status, decoded, {name.lower(): value for name, value in response.getheaders()})
    finally:
        connection.close()
