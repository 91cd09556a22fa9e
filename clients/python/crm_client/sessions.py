"""A session with the CRM: tokens that are renewed in time, and requests that are sent again where that is safe."""

import threading
import time
import uuid
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import httpx

from crm_client.answers import refusal

EARLY = 60  # Seconds before its end that a token is given up, so that it does not end on its way.
BUSY = (429, 503)
LOST = (502, 504)  # The service's answer did not come; it may have done what it was asked for.
ATTEMPTS = 6
LONGEST_PAUSE = 30.0
SAFE = ("GET", "HEAD")
# Twice they open two sessions, or answer the same tokens again.
TOKENS = ("/v1/auth/login", "/v1/auth/refresh", "/v1/auth/token")
KEY = "Idempotency-Key"


class Credentials(Protocol):
    """How a session begins, and how it goes on."""

    def request(self, base: str, refresh_token: str | None) -> httpx.Request:
        """The request for tokens; with the refresh token of the last answer where there was one."""


@dataclass(frozen=True)
class Password:
    """A member who signs in: to the company named, or to their primary one."""

    email: str
    password: str = field(repr=False)
    company_id: int | None = None

    def request(self, base: str, refresh_token: str | None) -> httpx.Request:
        """A refresh, or a sign-in."""
        if refresh_token is not None:
            return httpx.Request("POST", f"{base}/v1/auth/refresh", json={"refresh_token": refresh_token})
        body = {"email": self.email, "password": self.password, "company_id": self.company_id}
        return httpx.Request("POST", f"{base}/v1/auth/login", json=body)


@dataclass(frozen=True)
class ApiKey:
    """A machine's key, as it was shown once."""

    key: str = field(repr=False)

    def request(self, base: str, refresh_token: str | None) -> httpx.Request:  # noqa: ARG002  # A key is asked anew.
        """OAuth 2.0's client credentials."""
        form = {"grant_type": "client_credentials", "client_id": self.key.split("_")[1], "client_secret": self.key}
        return httpx.Request("POST", f"{base}/v1/auth/token", data=form)


class Crm:
    """A session with one company's CRM. `client` is what the generated operations take; any number of threads may."""

    def __init__(self, url: str, credentials: Credentials, *, timeout: float = 30) -> None:
        from crm_client.generated import AuthenticatedClient  # noqa: PLC0415  # Written by `make sdk`, after this.

        base = url.rstrip("/")
        self._http = httpx.Client(
            base_url=base,
            auth=Renewing(base, credentials),
            timeout=timeout,
            transport=Patient(httpx.HTTPTransport(limits=httpx.Limits(max_connections=32))),
        )
        # The generated client's own token would never change; the session gives each request the one that is good.
        self.client = AuthenticatedClient(base_url=base, token="").set_httpx_client(self._http)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


class Renewing(httpx.Auth):
    """Gives each request an access token, and asks for the next one before it ends or when it is refused."""

    requires_response_body = True

    def __init__(self, base: str, credentials: Credentials) -> None:
        self._base = base
        self._credentials = credentials
        self._lock = threading.Lock()
        self._access: str | None = None
        self._refresh: str | None = None
        self._good_until = 0.0

    @property
    def access_token(self) -> str | None:
        """The token that requests are sent with now."""
        return self._access

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with a token, once more with a new one where the first was refused."""
        used = yield from self._current(None)
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            used = yield from self._current(used)
            request.headers["Authorization"] = f"Bearer {used}"
            yield request

    def _current(self, refused: str | None) -> Generator[httpx.Request, httpx.Response, str]:
        """The access token; a new one where it is about to end or was refused. Raises Refused."""
        # One thread renews, and the others find what it has got.
        with self._lock:
            if self._access is None or self._access == refused or time.monotonic() > self._good_until:
                response = yield self._credentials.request(self._base, self._refresh)
                if response.is_error and self._refresh is not None:
                    # The session has ended; the credentials may still be good.
                    self._refresh = None
                    response = yield self._credentials.request(self._base, None)
                if response.is_error:
                    raise refusal(response.status_code, response.content)
                self._keep(response.json())
            assert self._access is not None
            return self._access

    def _keep(self, tokens: dict[str, Any]) -> None:
        self._access = tokens["access_token"]
        self._refresh = tokens.get("refresh_token")
        self._good_until = time.monotonic() + tokens["expires_in"] - EARLY


class Patient(httpx.BaseTransport):
    """Sends a request again where it was told to wait, or where an answer was lost that can be asked for again.

    Every POST with a token gets an `Idempotency-Key`, the same for all attempts, so that what was done is not done
    again. A change that names a version is sent again only where the CRM says that it did nothing.
    """

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises httpx.TransportError when patience ends."""
        if request.method == "POST" and "Authorization" in request.headers:
            request.headers.setdefault(KEY, str(uuid.uuid4()))
        repeatable = request.method in SAFE or KEY in request.headers or request.url.path in TOKENS
        for attempt in range(1, ATTEMPTS + 1):
            pause = min(0.1 * 2**attempt, LONGEST_PAUSE)
            try:
                response = self._transport.handle_request(request)
            except httpx.ConnectError:
                # Nothing was sent.
                if attempt == ATTEMPTS:
                    raise
            except httpx.TransportError:
                if not repeatable or attempt == ATTEMPTS:
                    raise
            else:
                lost = repeatable and response.status_code in LOST
                if not (lost or self._asks_to_wait(response)) or attempt == ATTEMPTS:
                    return response
                pause = min(float(response.headers.get("Retry-After", pause)), LONGEST_PAUSE)
                response.close()
            time.sleep(pause)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    @staticmethod
    def _asks_to_wait(response: httpx.Response) -> bool:
        """Whether nothing was done, and the same request may be sent again."""
        in_use = response.status_code == httpx.codes.CONFLICT and "Retry-After" in response.headers
        return response.status_code in BUSY or in_use
