"""The system that is measured: a stack of its own in a temporary folder, as durable as in production, and the floor."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from cryptography.fernet import Fernet

import audit.handlers
import customers.handlers
import pipeline.handlers
import tasks.handlers
from chassis.broker.subscriptions import Subscriptions
from chassis.db.session import Database
from crm.ports import LOOPBACK, free_port
from crm.settings import NO_LIMITS, StackSettings
from crm.stack import Stack
from identity.keys import Signer, SigningKeys

PATIENCE = 180.0
TOKEN_SECONDS = 4 * 3600
CONSUMERS: Mapping[str, Subscriptions] = {
    "customers": customers.handlers.SUBSCRIPTIONS,
    "pipeline": pipeline.handlers.SUBSCRIPTIONS,
    "tasks": tasks.handlers.SUBSCRIPTIONS,
    "audit": audit.handlers.SUBSCRIPTIONS,
}
FLOORS = {"customers": "bench.floor", "pipeline": "bench.floor_deals", "tasks": "bench.floor_tasks"}
_REPOSITORY = Path(__file__).parent.parent


@dataclass(frozen=True)
class System:
    """A running stack, the floors beside it, and a signer of the stack's tokens."""

    stack: Stack
    floor_urls: Mapping[str, str]
    signer: Signer

    def url(self, service: str) -> str:
        """The database of a service, as the superuser."""
        return self.stack.database_url(service, "superuser")

    def sign(self, company_id: int, user_id: int) -> str:
        """A token as identity would sign it. Registering a hundred companies would measure bcrypt."""
        now = int(time.time())
        return self.signer.sign(
            {
                "iss": "crm",
                "aud": "crm",
                "sub": str(user_id),
                "company_id": company_id,
                "role": "admin",
                "scope": "customers:read customers:write deals:read deals:write tasks:read activities:read",
                "sid": str(uuid.uuid4()),
                "jti": str(uuid.uuid4()),
                "ver": 1,
                "iat": now,
                "exp": now + TOKEN_SECONDS,
            }
        )

    def settle(self) -> None:
        """Wait until every consumer has handled the last event for it of every service, and nothing came of that."""
        deadline = time.monotonic() + PATIENCE
        with contextlib.ExitStack() as stack:
            databases = {
                service: stack.enter_context(psycopg.connect(self.url(service), autocommit=True))
                for service in ("identity", *CONSUMERS)
            }
            clean = 0
            while clean < 2:  # What is handled last may have made events for who was asked first.
                clean = 0 if any(_is_behind(databases, consumer) for consumer in CONSUMERS) else clean + 1
                _pause(deadline, "all services")

    def drain(self, service: str = "customers") -> None:
        """Wait until every event of a service is published and its audit row is there, so that no work is left over."""
        deadline = time.monotonic() + PATIENCE
        with (
            psycopg.connect(self.url(service), autocommit=True) as owner,
            psycopg.connect(self.url("audit"), autocommit=True) as audit,
        ):
            while owner.execute("SELECT id FROM outbox_pending LIMIT 1").fetchone():
                _pause(deadline, service)
            last = owner.execute("SELECT event_id FROM outbox ORDER BY id DESC LIMIT 1").fetchone()
            while last and not audit.execute("SELECT id FROM audit_logs WHERE event_id = %s", last).fetchone():
                _pause(deadline, service)


def _is_behind(databases: Mapping[str, psycopg.Connection[Any]], consumer: str) -> bool:
    """Whether a consumer has yet to handle the last event of some service that it wants."""
    wanted = CONSUMERS[consumer]
    of_type = "type = ANY (%s)" if wanted.batch is None else "cardinality(%s::text[]) = 0"
    for database in databases.values():
        last = database.execute(
            f"SELECT event_id FROM outbox WHERE {of_type} ORDER BY id DESC LIMIT 1",  # noqa: S608
            (list(wanted.handlers),),
        ).fetchone()
        if last and not databases[consumer].execute("SELECT 1 FROM inbox WHERE event_id = %s", last).fetchone():
            return True
    return False


def _pause(deadline: float, service: str) -> None:
    if time.monotonic() > deadline:
        raise SystemExit(f"the events of {service} did not reach the audit log within {PATIENCE:.0f} s")
    time.sleep(0.1)


@contextlib.contextmanager
def running() -> Iterator[System]:
    """Start everything; stop it and delete the folder at the end, whatever happens."""
    home = Path(tempfile.mkdtemp(prefix="crm-bench-"))
    # As in `make up`, but without limits on rates, which the benchmark would reach on purpose.
    stack = Stack(home, StackSettings(limits=NO_LIMITS, broker_metrics=False), attached=True)
    try:
        stack.up()
        with contextlib.ExitStack() as floors:
            urls = {service: floors.enter_context(_floor(stack, service, module)) for service, module in FLOORS.items()}
            yield System(stack, urls, _signer(stack))
    finally:
        stack.destroy()
        shutil.rmtree(home, ignore_errors=True)


def _signer(stack: Stack) -> Signer:
    environment = stack.environment("identity")
    database = Database(environment["DATABASE_URL"], pool_size=1)
    try:
        return SigningKeys(database, Fernet(environment["KEY_ENCRYPTION_KEY"])).signer()
    finally:
        database.dispose()


@contextlib.contextmanager
def _floor(stack: Stack, service: str, module: str) -> Iterator[str]:
    """A floor under gunicorn with the very settings of the service."""
    port = free_port(stack.state.ports.values())
    settings = stack.environment(service)
    metrics = stack.home / f"floor-{service}-metrics"
    metrics.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "FLOOR_DATABASE_URL": stack.database_url(service, "superuser"),
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "python:bench.floor_settings"]
    command += ["--bind", f"{LOOPBACK}:{port}", "--workers", settings["WEB_WORKERS"]]
    command += ["--threads", settings["WEB_THREADS"], f"{module}:application"]
    with (stack.home / "logs" / f"floor-{service}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=_REPOSITORY, stdout=log, stderr=log)
        try:
            yield f"http://{LOOPBACK}:{port}"
        finally:
            process.terminate()
            process.wait(30)
