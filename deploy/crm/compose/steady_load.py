"""What clients do while containers are replaced, for tests: reads and writes at a steady rate."""

import threading
import time
import uuid
from collections.abc import Mapping
from typing import Self

import requests

RATE = 40
_THREADS = 4
_SECONDS = 20.0


class SteadyLoad:
    """Lists and makes customers, as clients that keep their connections; `failed` holds what went wrong."""

    def __init__(self, url: str, headers: Mapping[str, str | bytes]) -> None:
        self._url = f"{url}/v1/customers"
        self._headers = dict(headers)
        self.sent = 0
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(_THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        time.sleep(1.0)
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(1.0)
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        with requests.Session() as session:
            session.headers.update(self._headers)
            while not self._stop.wait(_THREADS / RATE):
                self.sent += 1
                try:
                    if self.sent % 3:
                        done = session.get(f"{self._url}?limit=5", timeout=_SECONDS)
                    else:
                        body = {"name": f"Load {number} {self.sent}"}
                        once = {"Idempotency-Key": uuid.uuid4().hex}
                        done = session.post(self._url, json=body, headers=once, timeout=_SECONDS)
                    if done.status_code not in (200, 201):
                        self.failed.append(f"{done.status_code} {done.text}")
                except requests.RequestException as error:
                    self.failed.append(repr(error))
