"""The CRM's HTTP API with an API key: short tokens, patience where it is asked for, problems as sentences."""

import time
from typing import Any

import requests

TOO_MANY = (429, 503)
ATTEMPTS = 8
EARLY = 60  # Seconds before its end that a token is given up, so that it does not end on its way.


class Problem(Exception):
    """What the CRM refused; `code` is stable, the text is for people."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code} ({status}): {detail}")
        self.status = status
        self.code = code


class Crm:
    """One company's CRM: `url` ends with /v1, `key` is an API key as it was shown once."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._http = requests.Session()
        self._good_until = 0.0

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request, again where the CRM is busy. Raises Problem for what it refuses.

        Give what creates something an Idempotency-Key: the same request sent again then creates nothing more.
        """
        for attempt in range(ATTEMPTS):
            self._refresh()
            answer = self._http.request(method, self._url + path, timeout=30, **options)
            if answer.ok:
                return answer
            if answer.status_code not in TOO_MANY or attempt + 1 == ATTEMPTS:
                break
            time.sleep(float(answer.headers.get("Retry-After", 1)))
        raise _problem(answer)

    def _refresh(self) -> None:
        if time.monotonic() < self._good_until:
            return
        form = {"grant_type": "client_credentials", "client_id": self._key.split("_")[1], "client_secret": self._key}
        answer = requests.post(f"{self._url}/auth/token", data=form, timeout=30)
        if not answer.ok:
            raise _problem(answer)
        token = answer.json()
        self._http.headers["Authorization"] = f"Bearer {token['access_token']}"
        self._good_until = time.monotonic() + token["expires_in"] - EARLY


def _problem(answer: requests.Response) -> Problem:
    try:
        said = answer.json()
    except ValueError:
        said = {}
    detail = said.get("detail") or said.get("error_description") or answer.reason
    return Problem(answer.status_code, said.get("code") or said.get("error") or "no_code", detail)
