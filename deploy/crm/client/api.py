"""A signed-in client of the gateway: it signs in again when its token has expired, and waits where it is told to."""

import http.client
import time
import uuid
from collections.abc import Callable, Mapping
from typing import IO

from crm.errors import OperatorError
from crm.http_client import Answer, ask, download

_UNAUTHENTICATED, _CONFLICT, _TOO_MANY = 401, 409, 429
_AWAY = (502, 503, 504)
_FIRST_ERROR = 400
# How long a gateway may be away before a command gives up; a restart of it takes less.
_PATIENCE = 60.0
_PAUSE = 0.5
_KEY = "Idempotency-Key"


class RefusedError(OperatorError):
    """What the API has refused, with its stable code."""

    def __init__(self, message: str, code: str | None) -> None:
        super().__init__(message)
        self.code = code


def fixed(token: str) -> Callable[[], str]:
    """A token that was given, and that nobody here can renew."""
    return lambda: token


class Api:
    """Requests in the name of whom `sign_in` gets a token for; `url` is the gateway's, with or without /v1."""

    def __init__(self, url: str, sign_in: Callable[[], str]) -> None:
        self._base = url.rstrip("/").removesuffix("/v1") + "/v1"
        self._sign_in = sign_in
        self._token: str | None = None

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, body: object = None) -> Answer:
        return self.ask("POST", path, body)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request, again where that is safe; answers a success. Raises RefusedError, OperatorError.

        A POST has a key, under which the API does once what it is asked for twice.
        """
        key = {_KEY: str(uuid.uuid4())} if method == "POST" else {}

        def once(authorization: Mapping[str, str]) -> Answer:
            sent = {**key, **(headers or {}), **authorization}
            return ask(self._base + path, method=method, body=body, content=content, headers=sent, timeout=30.0)

        return self._persist(once, repeatable=method in ("GET", "PUT", "POST"))

    def save(self, path: str, target: IO[bytes]) -> None:
        """Write what is at `path` into `target` as it comes. Raises RefusedError, OperatorError."""

        def once(authorization: Mapping[str, str]) -> Answer:
            target.seek(0)
            target.truncate()
            return download(self._base + path, target, headers=authorization)

        self._persist(once, repeatable=True)

    def _persist(self, once: Callable[[Mapping[str, str]], Answer], *, repeatable: bool) -> Answer:
        until = time.monotonic() + _PATIENCE
        renewed = self._token is None
        while True:
            if self._token is None:
                self._token = self._sign_in()
            try:
                answer = once({"Authorization": f"Bearer {self._token}"})
            except (OSError, http.client.HTTPException) as error:
                # Where no answer has come, what was asked for may have been done all the same.
                if not repeatable or time.monotonic() > until:
                    reason = getattr(error, "strerror", None) or error
                    raise OperatorError(f"the gateway does not answer ({reason})") from None
                time.sleep(_PAUSE)
                continue
            if answer.status < _FIRST_ERROR:
                return answer
            if answer.status == _UNAUTHENTICATED and not renewed and self._renew():
                renewed = True
            elif _waits(answer, repeatable) and time.monotonic() < until:
                time.sleep(_pause(answer))
            else:
                raise _refusal(answer)

    def _renew(self) -> bool:
        """Whether there is another token to try."""
        before, self._token = self._token, self._sign_in()
        return self._token != before


def _waits(answer: Answer, repeatable: bool) -> bool:
    """Whether the same request may succeed a little later: nothing was done, or doing it twice changes nothing."""
    if answer.status in _AWAY:
        return repeatable
    return answer.status == _TOO_MANY or (answer.status == _CONFLICT and "retry-after" in answer.headers)


def _pause(answer: Answer) -> float:
    given = answer.headers.get("retry-after", "")
    return float(given) if given.isdigit() else _PAUSE


def _refusal(answer: Answer) -> RefusedError:
    if answer.status == _UNAUTHENTICATED:
        text = "the access token has expired or is not good; tokens live 10 minutes: get a new one"
        return RefusedError(text, answer.code)
    found = answer.body.get("errors", ()) if isinstance(answer.body, dict) else ()
    details = [f"{error['pointer']}: {error['detail']}" for error in found if error["detail"] not in answer.detail]
    return RefusedError("; ".join([answer.detail, *details]), answer.code)
