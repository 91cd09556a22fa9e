"""The worker process: relay, consumer and schedules in threads, watched, with health and metrics over HTTP."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

import psycopg
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import MetaData

from chassis.broker.consumer import Consumer
from chassis.broker.relay import Relay
from chassis.broker.schedules import PURGE, Schedule, Scheduler, Turns
from chassis.broker.subscriptions import Subscriptions
from chassis.config import Settings, SettingsError
from chassis.db.company_purges import CompanyPurges, Step
from chassis.db.session import Database
from chassis.references.asking import References
from chassis.references.listening import AnyReference

PATIENCE = 60.0
JOB_PATIENCE = 3600.0
GRACE = 25.0
# Of each part; connections are made when they are first needed.
POOL = 4
# A job asks for many records at once, and nobody waits for it.
ANSWER_SECONDS = 10.0
PURGE_COMPANIES_EVERY = timedelta(seconds=5)

log = structlog.get_logger()


class ServiceParts(Protocol):
    """What a worker needs to know of a service; `chassis.service.Service` is one."""

    @property
    def name(self) -> str: ...
    @property
    def subscriptions(self) -> Subscriptions | None: ...
    @property
    def schedules(self) -> Sequence[Schedule]: ...
    @property
    def references(self) -> Sequence[AnyReference]: ...
    @property
    def metadata(self) -> MetaData: ...
    @property
    def purge_steps(self) -> Sequence[Step]: ...


class Runnable(Protocol):
    """A part of a worker: works until `stop` is set and calls `beat` while it is alive."""

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None: ...


class Part:
    """A part in its thread, with its heartbeat. `patience`: how many seconds without a beat are believed."""

    def __init__(self, name: str, runnable: Runnable, stop: threading.Event, *, patience: float = PATIENCE) -> None:
        self.name = name
        self._runnable = runnable
        self._stop = stop
        self._patience = patience
        self._heard = time.monotonic()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self._runnable.run(self._stop, self._beat)
        except BaseException:
            log.exception("a thread of the worker died", part=self.name)
            raise

    def _beat(self) -> None:
        self._heard = time.monotonic()

    @property
    def fault(self) -> str | None:
        """What is wrong with it, or None."""
        if not self.thread.is_alive():
            return f"{self.name} died"
        if (age := time.monotonic() - self._heard) > self._patience:
            return f"{self.name} has not been heard of for {age:.0f} s"
        return None

    @property
    def hindrance(self) -> str | None:
        """Why it does no work yet, or not at present: its fault, or a broker that hands it nothing."""
        if isinstance(self._runnable, Consumer) and not self._runnable.ready:
            return self.fault or f"{self.name} waits for the broker"
        return self.fault


def run(service: ServiceParts, settings: Settings, *, relay: bool, consumer: bool, schedules: bool) -> None:
    """Run the chosen parts until SIGTERM or SIGINT, then finish the work in hand and return.

    Raises SystemExit(1) when a part died or did not finish in time, so that a supervisor starts the process again;
    SettingsError when a part lacks a setting; BypassError when the role could see past row-level security.
    """
    _require(service, settings, relay=relay, consumer=consumer, schedules=schedules)
    stop = threading.Event()
    databases: list[Database] = []
    turns = Turns(settings.database_url)
    parts = [
        Part(name, runnable, stop, patience=JOB_PATIENCE if isinstance(runnable, Scheduler) else PATIENCE)
        for name, runnable in _runnables(
            service, settings, databases, turns, relay=relay, consumer=consumer, schedules=schedules
        )
    ]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = _serve(settings.metrics_bind, parts) if settings.metrics_bind else None
    _refuse_bypass(databases, stop)
    for part in parts:
        part.thread.start()
    log.info("worker started", parts=[part.name for part in parts])
    died = False
    while not stop.wait(0.5):
        if any(not part.thread.is_alive() for part in parts):
            died = True
            stop.set()
    until = time.monotonic() + GRACE
    for part in parts:
        part.thread.join(max(0.1, until - time.monotonic()))
    if server is not None:
        server.shutdown()
        server.server_close()
    if any(part.thread.is_alive() for part in parts):
        log.error("worker did not finish in time", grace=GRACE)
        os._exit(1)
    for database in databases:
        database.dispose()
    turns.close()
    log.info("worker stopped")
    if died:
        raise SystemExit(1)


def _refuse_bypass(databases: Sequence[Database], stop: threading.Event) -> None:
    """Hold the roles against row-level security before anything is handled; a database that is away is waited for."""
    unchecked = list(databases)
    while unchecked and not stop.is_set():
        try:
            unchecked[-1].refuse_bypass()
            unchecked.pop()
        except psycopg.OperationalError as error:
            log.warning("database does not answer", error=str(error))
            stop.wait(1)


def _require(service: ServiceParts, settings: Settings, *, relay: bool, consumer: bool, schedules: bool) -> None:
    consumes = consumer and service.subscriptions is not None
    asks = schedules and any(schedule.asks for schedule in service.schedules)
    needed = {
        "SERVICE_URLS": settings.service_urls if asks else "-",
        "SERVICE_KEY": settings.service_key if asks else "-",
        "BROKER_URL": settings.broker_url if relay or consumes else "-",
        "RELAY_DATABASE_URL": settings.relay_database_url if relay or schedules else "-",
        "INGEST_DATABASE_URL": (
            settings.ingest_database_url if consumes and service.subscriptions and service.subscriptions.ingest else "-"
        ),
    }
    if missing := [f"{name} is not set (nor {name}_FILE)" for name, value in needed.items() if not value]:
        raise SettingsError(missing)


def _runnables(
    service: ServiceParts,
    settings: Settings,
    databases: list[Database],
    turns: Turns,
    *,
    relay: bool,
    consumer: bool,
    schedules: bool,
) -> list[tuple[str, Runnable]]:
    def database(url: str, part: str, connections: int = POOL) -> Database:
        databases.append(Database(url, pool_size=connections, application_name=f"{service.name}.{part}"))
        return databases[-1]

    found: list[tuple[str, Runnable]] = []
    if relay:
        found.append(("relay", Relay(settings.relay_database_url, settings.broker_url, service.name)))
    if consumer and service.subscriptions is not None:
        notes = database(settings.database_url, "consumer")
        ingest = service.subscriptions.ingest
        effects = database(settings.ingest_database_url, "ingest") if ingest else notes
        found.append(
            (
                "consumer",
                Consumer(
                    effects=effects,
                    notes=notes,
                    broker_url=settings.broker_url,
                    service=service.name,
                    subscriptions=service.subscriptions,
                ),
            )
        )
    if schedules:
        # Each in a thread of its own: one may have work for an hour, another a turn every second.
        companies = CompanyPurges(service.metadata, service.purge_steps)
        purge_companies = Schedule("purge-companies", PURGE_COMPANIES_EVERY, companies.work)
        for schedule in (PURGE, purge_companies, *service.schedules):
            url = settings.relay_database_url if schedule is PURGE else settings.database_url
            own = database(url, schedule.name, schedule.connections)
            asking = (References(service.references, settings, own, seconds=ANSWER_SECONDS),) if schedule.asks else ()
            found.append((schedule.name, Scheduler(schedule, own, turns, *asking)))
    return found


def _serve(bind: str, parts: Sequence[Part]) -> ThreadingHTTPServer:
    """Answer /livez, /readyz and /metrics on `bind` (host:port) from a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST)
            elif self.path == "/livez":
                self._report("alive", [part.fault for part in parts])
            elif self.path == "/readyz":
                self._report("ready", [part.hindrance for part in parts])
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"not found", "text/plain; charset=utf-8")

        def _report(self, well: str, found: Sequence[str | None]) -> None:
            faults = [fault for fault in found if fault]
            status = HTTPStatus.SERVICE_UNAVAILABLE if faults else HTTPStatus.OK
            self._answer(status, ("\n".join(faults) or well).encode(), "text/plain; charset=utf-8")

        def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A scrape every few seconds is not worth a line."""

    host, _, port = bind.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
