"""The ledger: a driver that records what became of every create, to be held against the audit log afterwards."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg
import pytest
import requests


@dataclass
class Ledger:
    """Creates customers through the gateway for one company, and remembers every outcome.

    An outcome is an id (the gateway said 201) or unknown (no answer, or a 5xx); unknown ones are asked again with
    the same idempotency key until they are known, as a careful client would.
    """

    stack: object
    company_id: int
    token: str
    created: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    statuses: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, key: str) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        url = f"{self.stack.gateway_url}/v1/customers"
        try:
            answer = requests.post(url, json={"name": key}, headers=headers, timeout=20)
        except requests.RequestException:
            with self._lock:
                self.unknown.add(key)
            return
        with self._lock:
            self.statuses.append(answer.status_code)
            if answer.status_code == 201:
                self.created[key] = answer.json()["id"]
                self.unknown.discard(key)
            elif answer.status_code in (409, 429) or answer.status_code >= 500:
                self.unknown.add(key)
            else:
                raise AssertionError(answer.text)

    def drive(self, threads: int = 4, pause: float = 0.005) -> "Ledger":
        """Keep creating in the background until `rest`; each thread asks again until it knows what became of its key."""
        self._stop.clear()
        self._pool = ThreadPoolExecutor(threads)

        def work():
            key = str(uuid.uuid4())
            while not self._stop.is_set():
                self.create(key)
                if key in self.created:
                    key = str(uuid.uuid4())
                time.sleep(pause)

        self._running = [self._pool.submit(work) for _ in range(threads)]
        return self

    def rest(self) -> None:
        """Stop creating and resolve what is unknown."""
        self._stop.set()
        for future in self._running:
            future.result(30)
        self._pool.shutdown()
        deadline = time.monotonic() + 60
        while self.unknown and time.monotonic() < deadline:
            for key in list(self.unknown):
                self.create(key)
            time.sleep(0.2)
        assert not self.unknown

    def audit_counts(self) -> dict[int, int]:
        """How often each customer's creation stands in the audit log."""
        with psycopg.connect(self.stack.database_url("audit", "superuser")) as connection:
            rows = connection.execute(
                "SELECT record_id, count(*) FROM audit_logs WHERE company_id = %s AND event_type = %s GROUP BY 1",
                (self.company_id, "crm.customer.created.v1"),
            )
            return dict(rows.fetchall())

    def set_aside(self) -> list[tuple[str, str]]:
        """The dead letters of the audit service, by routing key, each with the end of its error."""
        with psycopg.connect(self.stack.database_url("audit", "superuser")) as connection:
            return connection.execute("SELECT routing_key, right(error, 200) FROM failed_messages").fetchall()

    def settle(self, seconds: float = 60) -> float:
        """Wait until the audit log holds every created customer exactly once; answers how long that took."""
        began = time.monotonic()
        expected = set(self.created.values())
        assert expected
        while time.monotonic() - began < seconds:
            counts = self.audit_counts()
            if counts.keys() >= expected:
                break
            time.sleep(0.1)
        counts = self.audit_counts()
        assert expected - counts.keys() == set(), f"lost, unless set aside: {self.set_aside()}"
        assert counts.keys() - expected == set(), "unexpected"
        assert set(counts.values()) == {1}, "more than once"
        self.compare_with_the_service()
        return time.monotonic() - began

    def compare_with_the_service(self) -> None:
        """The customers are those that were answered, each with exactly one event."""
        with psycopg.connect(self.stack.database_url("customers", "superuser")) as connection:
            query = "SELECT id FROM customers WHERE company_id = %s"
            ids = {row[0] for row in connection.execute(query, (self.company_id,))}
            query = "SELECT aggregate_id FROM outbox WHERE company_id = %s"
            recorded = [row[0] for row in connection.execute(query, (self.company_id,))]
        assert ids == set(self.created.values())
        assert sorted(recorded) == sorted(ids)


@pytest.fixture
def ledger(stack, register):
    """A ledger over a company of its own."""
    _, registered = register(f"{stack.gateway_url}/v1")
    return Ledger(stack, registered["company"]["id"], registered["access_token"])
