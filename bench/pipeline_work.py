"""Work of the pipeline that takes more than one request: conversions from end to end, and a move of many deals."""

import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bench.system import PATIENCE, System

PER_SECOND = 20
DEALS = 2_000
WARMING = 3  # Seconds.
_AT_ONCE = 500  # The most that one batch takes.
_THREADS = 40  # More than are under way at once unless conversions take two seconds.


@dataclass(frozen=True)
class Duration:
    """How long something took, in milliseconds, how long it may take, and how often it was refused meanwhile."""

    name: str
    measured: float
    target: float
    refused: int = 0

    @property
    def reached(self) -> bool:
        return self.measured <= self.target and not self.refused


def measure(system: System, *, seconds: int) -> list[Duration]:
    """Register a company and work as it does. Nothing but this is asked meanwhile."""
    api = _Api(f"{system.stack.gateway_url}/v1")
    # Those of the first seconds prepare statements and open connections, as those of a day's first seconds do.
    _conversions(system, api, WARMING)
    converted, refused = _conversions(system, api, seconds)
    cuts = statistics.quantiles(converted, n=100)
    said = f"conversion at {PER_SECOND}/s"
    system.settle()
    moved = _move(api, DEALS)
    return [
        Duration(f"{said}, p50", statistics.median(converted), 300.0, refused),
        Duration(f"{said}, p99", cuts[98], 1_500.0, refused),
        Duration(f"move of {DEALS:,} deals", moved, 5_000.0),
    ]


class _Api:
    """The gateway, asked by the founder of a company that was registered for it."""

    def __init__(self, url: str) -> None:
        name = uuid.uuid4().hex[:12]
        self._url = url
        # As clients do, it asks again over the connections that it has.
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=_THREADS))
        registered = self.post(
            "/auth/register",
            company={"name": f"Bench {name}", "email": f"info@{name}.example"},
            user={
                "email": f"ada@{name}.example",
                "password": uuid.uuid4().hex,
                "first_name": "Ada",
                "last_name": "Bench",
            },
        )
        self._session.headers["Authorization"] = f"Bearer {registered['access_token']}"

    def ask(self, path: str, *, wait: int | None = None, **body: Any) -> requests.Response:
        """What is answered to a POST."""
        prefer = {} if wait is None else {"Prefer": f"wait={wait}"}
        return self._session.post(f"{self._url}{path}", json=body, headers=prefer, timeout=60)

    def post(self, path: str, **body: Any) -> Any:
        """The answer's document. Raises SystemExit with what was answered if it is no success."""
        answer = self.ask(path, **body)
        if not answer.ok:
            raise SystemExit(f"POST {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def get(self, path: str) -> Any:
        """As `post`."""
        answer = self._session.get(f"{self._url}{path}", timeout=60)
        if not answer.ok:
            raise SystemExit(f"GET {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def create(self, path: str, records: Sequence[dict[str, Any]]) -> list[int]:
        """The ids of these new records."""
        ids = []
        for first in range(0, len(records), _AT_ONCE):
            items = [{"action": "create", "values": values} for values in records[first : first + _AT_ONCE]]
            ids += [result["record"]["id"] for result in self.post(f"{path}/batch", items=items)["results"]]
        return ids


def _conversions(system: System, api: _Api, seconds: int) -> tuple[list[float], int]:
    """Begin PER_SECOND conversions a second; how long each took that was not refused, in milliseconds, and the rest.

    What was asked before, their leads among it, is done by then.
    """
    count = seconds * PER_SECOND
    _wait_until(lambda: api.get("/lead-stages")["data"], "the new company did not get its stages")
    stem = uuid.uuid4().hex
    leads = api.create(
        "/leads",
        [
            {"lead_name": f"{stem} {number}", "email": f"{stem}-{number}@leads.example", "estimated_value": "1200.00"}
            for number in range(count)
        ],
    )
    convert = partial(api.ask, wait=10, contact={"create": {"first_name": "Grace"}})
    system.settle()
    began = time.monotonic() + 0.1

    def run(number: int) -> float | None:
        time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        begun = time.monotonic()
        answer = convert(f"/leads/{leads[number]}/convert")
        if answer.status_code == HTTPStatus.ACCEPTED:
            # It was not waited for, or not for long enough: clients look again.
            path = f"/conversions/{answer.json()['id']}"
            _wait_until(lambda: api.get(path)["state"] != "converting", "a conversion did not end")
        return (time.monotonic() - begun) * 1000 if answer.ok else None

    with ThreadPoolExecutor(_THREADS) as threads:
        taken = list(threads.map(run, range(count)))
    finished = [milliseconds for milliseconds in taken if milliseconds is not None]
    return finished, count - len(finished)


def _move(api: _Api, count: int) -> float:
    """Move `count` deals from one stage to another in one request; how long that took, in milliseconds."""
    customer = api.post("/customers", name="Bench Customer")["id"]
    [pipeline] = api.get("/pipelines")["data"]
    stages = api.get(f"/pipelines/{pipeline['id']}/stages")["data"]
    values = {"customer_id": customer, "deal_value": "10.00", "stage_id": stages[0]["id"]}
    api.create("/deals", [{**values, "deal_name": f"Deal {number}"} for number in range(count)])
    asked: dict[str, Any] = {"filter": f"customer_id={customer}", "changes": {"stage_id": stages[1]["id"]}}
    counted = api.post("/deals/bulk-update", **asked)
    begun = time.monotonic()
    moved = api.post("/deals/bulk-update", **asked, confirm=counted["confirm"])
    taken = (time.monotonic() - begun) * 1000
    if moved["updated"] != count:
        raise SystemExit(f"{moved['updated']} of {count} deals were moved")
    return taken


def _wait_until(question: Callable[[], Any], otherwise: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := question()):
        if time.monotonic() > deadline:
            raise SystemExit(otherwise)
        time.sleep(0.1)
    return found
