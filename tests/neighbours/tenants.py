"""Two tenants: the one attacks, and of the other one each answer is timed."""

import base64
import http.client
import itertools
import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg
from neighbours.attacks import KINDS, METHODS, Attack, Target

from chassis.testing.batteries import Owner, load_battery, services
from crm.stack import Stack
from gateway.config import ROUTES

ROOT = Path(__file__).parents[2]
ATTACKER = Path(__file__).with_name("attacker.py")
MARK = "neighbour"
IDLE_SECONDS = 10.0
# Between the four requests of a victim's round: below the rate of its own that a principal may have, on any machine.
_PAUSE_SECONDS = 0.05
PLACE = re.compile(r"\{([^}]+)\}")
# Every tenant comes from an address of its own, as in life.
_sources = (f"127.0.{third}.{fourth}" for third, fourth in itertools.product(range(1, 250), range(1, 250)))


@dataclass
class Answer:
    status: int
    body: bytes

    @property
    def status_code(self) -> int:
        return self.status

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection of a tenant's, from its own address."""

    def __init__(self, port: int, source: str, token: str | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))
        self.token = token
        self._asked_at = 0.0

    def request(self, method: str, path: str, *, json: Any = None, version: int | None = None) -> Answer:
        headers = {"Content-Type": "application/json"} if json is not None else {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        body = None if json is None else _dumps(json)
        # The gateway closes what has been idle for long.
        if time.monotonic() - self._asked_at > IDLE_SECONDS:
            self._connection.close()
        self._asked_at = time.monotonic()
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.request("DELETE", path, **options)

    def close(self) -> None:
        self._connection.close()


def _owner_of(path: str) -> str:
    resource = path.split("/")[2] if path.startswith("/v1/") else "auth"
    return next(service for service, resources in ROUTES.items() if resource in resources)


def _dumps(document: Any) -> bytes:
    return json.dumps(document).encode()


class Tenant:
    """A company of one admin."""

    def __init__(self, port: int) -> None:
        self.source = next(_sources)
        name = uuid.uuid4().hex[:12]
        self.password = "correct horse battery"
        self.email = f"ada@{name}.example"
        self.client = Client(port, self.source)
        body = {
            "company": {"name": f"Company {name}", "email": f"info@{name}.example"},
            "user": {"email": self.email, "password": self.password, "first_name": "Ada", "last_name": "Lovelace"},
        }
        registered = self.client.post("/v1/auth/register", json=body)
        assert registered.status == 201, registered.body
        self.company_id = registered.json["company"]["id"]
        self.user_id = registered.json["user"]["id"]
        self.client.token = registered.json["access_token"]
        self.renewed_at = time.monotonic()

    @property
    def token(self) -> str:
        assert self.client.token is not None
        return self.client.token

    def renew(self) -> None:
        """Sign in again before the token has expired."""
        if time.monotonic() - self.renewed_at < 300:
            return
        answer = self.client.post("/v1/auth/login", json={"email": self.email, "password": self.password})
        assert answer.status == 200, answer.body
        self.client.token = answer.json["access_token"]
        self.renewed_at = time.monotonic()


class Attacker:
    """A tenant with records of each kind, and a process that sends what it is told."""

    def __init__(self, stack: Stack, *, customers: int) -> None:
        self._stack = stack
        self._port = urlsplit(stack.gateway_url).port
        self._customers = customers
        self._process = subprocess.Popen([sys.executable, str(ATTACKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        client = Client(self._port, next(_sources))
        self.document = client.get("/openapi.json").json
        client.close()
        self.begin()

    def begin(self) -> None:
        """Found a company, and fill it."""
        self.tenant = Tenant(self._port)
        self.ids: dict[str, Any] = {}
        for service in services(ROOT):
            with psycopg.connect(self._stack.database_url(service, "superuser"), autocommit=True) as database:
                owner = Owner(self.tenant.company_id, self.tenant.user_id, self.tenant.client, database)
                self.ids |= load_battery(service).make(owner, f"{MARK}-{uuid.uuid4().hex[:8]}")
        with psycopg.connect(self._stack.database_url("customers", "superuser"), autocommit=True) as database:
            database.execute(
                "INSERT INTO customers (company_id, customer_code, name, notes, tags, created_by)"
                " SELECT %(company)s, 'N-' || n, 'Customer ' || n, repeat('some words ', 1800), jsonb_build_array('u1'), %(user)s"
                " FROM generate_series(1, least(%(count)s, 500)) n"
                " UNION ALL SELECT %(company)s, 'M-' || n, 'Customer ' || n, NULL, jsonb_build_array('u1'), %(user)s"
                " FROM generate_series(1, greatest(%(count)s - 500, 0)) n",
                {"company": self.tenant.company_id, "user": self.tenant.user_id, "count": self._customers},
            )

    def known(self) -> list[tuple[str, str, str]]:
        """Kind, method and path of every attack that fits an operation of the document."""
        found = []
        for path, operations in self.document["paths"].items():
            for method in METHODS:
                if method in operations:
                    target = self.target(method, path)
                    found += [(kind, method, path) for kind, (fits, _) in KINDS.items() if fits(target)]
        return found

    def target(self, method: str, path: str) -> Target:
        """An operation of the document, on a record of the attacker's."""
        filled = PLACE.sub(lambda place: str(self.ids.get(place[1], 1)), path)
        operation = self.document["paths"][path][method]
        return Target(_owner_of(path), method, filled, operation, self.document, self.tenant.token)

    def attack(self, kind: str, method: str, path: str) -> Attack:
        """That attack, as who the attacker is now."""
        return KINDS[kind][1](self.target(method, path))

    def refresh(self) -> None:
        """Go on as somebody else where an attack has cost the attacker its own account."""
        self.tenant.renew()
        if self.tenant.client.get("/v1/customers?limit=1").status != 200:
            self.tenant.client.close()
            self.begin()

    @contextmanager
    def at_work(self, attack: Attack, seconds: float, *, once: bool = False) -> Iterator[SimpleNamespace]:
        """The attack goes on meanwhile; afterwards `statuses` says what it got, and `failed` to what a server failed."""
        outcome = SimpleNamespace(statuses={}, failed=[])
        job = {
            "port": self._port,
            "source": self.tenant.source,
            "requests": [base64.b64encode(one).decode() for one in attack.requests],
            "way": attack.way,
            "connections": attack.connections,
            "seconds": seconds,
            "once": once,
        }
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"begun\n"
        yield outcome
        outcome.__dict__.update(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self.tenant.client.close()
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@dataclass
class Seen:
    """What the other tenant got meanwhile."""

    worst: float
    slowest: str
    refused: list[tuple[str, int]]

    @property
    def fine(self) -> bool:
        return self.worst <= 1.0 and not self.refused


class Victim:
    """The other tenant, who goes on working."""

    def __init__(self, port: int, document: Mapping[str, Any]) -> None:
        self._port = port
        self.tenant = Tenant(port)
        self._number = itertools.count()
        self._lists = {}
        for service, resources in ROUTES.items():
            for resource in resources:
                operation = document["paths"].get(f"/v1/{resource}", {}).get("get")
                if operation and any(one["name"] == "limit" for one in operation.get("parameters", [])):
                    self._lists.setdefault(service, f"/v1/{resource}?limit=5")

    def cursors(self, document: Mapping[str, Any]) -> list[str]:
        """Where each list goes on that has two records at least."""
        found = []
        for _ in range(2):
            self.tenant.client.post("/v1/customers", json={"name": "Customer"})
        for path, operations in document["paths"].items():
            asked = {one["name"] for one in operations.get("get", {}).get("parameters", ())}
            if {"cursor", "limit"} <= asked and not set("{.") & set(path):
                answer = self.tenant.client.get(f"{path}?limit=1")
                if answer.status == HTTPStatus.OK and (cursor := answer.json["page"]["next_cursor"]):
                    found.append(cursor)
        return found

    def work(self, service: str, seconds: float) -> Seen:
        """Read and write, at the attacked service most of all."""
        seen = Seen(0.0, "", [])
        ends = time.monotonic() + seconds
        self.tenant.renew()
        calls = [("GET", self._lists.get(service, "/v1/customers?limit=5"), None), ("GET", "/v1/auth/me", None)]
        while time.monotonic() < ends:
            name = f"Customer {next(self._number)}"
            for method, path, body in (*calls, ("POST", "/v1/customers", {"name": name}), calls[0]):
                began = time.monotonic()
                try:
                    status = self.tenant.client.request(method, path, json=body).status
                except (OSError, http.client.HTTPException):
                    status = 0
                took = time.monotonic() - began
                if took > seen.worst:
                    seen.worst, seen.slowest = took, f"{method} {path}"
                if status not in (200, 201):
                    seen.refused.append((f"{method} {path}", status))
            time.sleep(_PAUSE_SECONDS)
        return seen


def workers(stack: Stack) -> dict[str, int]:
    """The most memory that each web worker has had, in MiB."""
    found = {}
    for name, status in stack.statuses().items():
        if "-web-" in name and status.pid:
            children = Path(f"/proc/{status.pid}/task/{status.pid}/children").read_text().split()
            for pid in (str(status.pid), *children):
                text = Path(f"/proc/{pid}/status").read_text()
                found[f"{name} {pid}"] = int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) // 1024
    return found
