"""A stage for broker tests: a database with the chassis' tables, a tenant and queues of the test's own."""

import itertools
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import text

from chassis import events
from chassis.broker import topology
from chassis.broker.amqp import Publisher, Subscriber
from chassis.broker.consumer import Consumer
from chassis.broker.messages import Message, Outcome
from chassis.broker.operator import Operator
from chassis.broker.relay import Relay
from chassis.broker.retries import RetryDelay, RetrySchedule
from chassis.broker.subscriptions import Subscriptions
from chassis.context import Context, acting_as
from chassis.db import migrations, outbox
from chassis.db.session import Database
from chassis.db.statements import Prepared
from chassis.events import Event, EventType

UPDATED = EventType("customer", "updated", "customers")
SHORT = RetrySchedule(delays=(RetryDelay("short", timedelta(milliseconds=100)),), steps=(0, 0))
# Servers that are shared keep the queues of earlier runs, bound to their companies' events.
COMPANIES = itertools.count(secrets.randbelow(10**6) * 1000 + 1000)

ENVIRONMENT = """
from chassis.db import migrations
from chassis.db.tables import new_metadata
migrations.run(new_metadata())
"""
MIGRATION = """
from alembic import op
from chassis.db.migrations import create_chassis_tables, create_company_purges
revision, down_revision = "0001", None

def upgrade():
    create_chassis_tables("{service}")
    create_company_purges("{service}")
    op.execute("CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, event_id uuid, record_id bigint,"
               " version integer, company_id bigint DEFAULT nullif(current_setting('app.company_id', true), '')::bigint)")
    op.execute("GRANT SELECT, INSERT ON effects TO {service}_app")
"""
_EFFECT = Prepared(
    text("INSERT INTO effects (event_id, record_id, version) VALUES (CAST(:id AS uuid), :record_id, :version)")
)


def effect(session: Any, event: Event) -> None:
    session.run(_EFFECT, id=event.id, record_id=event.record_id, version=event.aggregate_version)


@dataclass
class Home:
    """The database of this test run."""

    name: str
    server_url: str
    admin_url: str
    owner_url: str
    app_url: str
    relay_url: str

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def down(self) -> Iterator[None]:
        """The database cuts every connection and takes none during the block, as while it restarts."""
        with psycopg.connect(self.server_url, autocommit=True) as server:
            server.execute(f"ALTER DATABASE {self.name} WITH ALLOW_CONNECTIONS false")
            try:
                server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self.name,)
                )
                yield
            finally:
                server.execute(f"ALTER DATABASE {self.name} WITH ALLOW_CONNECTIONS true")


@dataclass
class Stage:
    """One test's service: its own queues, and a tenant that binds nobody else's events to them."""

    home: Home
    broker_url: str
    app: Database
    service: str = field(default_factory=lambda: f"t{uuid4().hex[:8]}")
    company: int = field(default_factory=lambda: next(COMPANIES))

    companies = COMPANIES
    effect = staticmethod(effect)
    sql = property(lambda self: self.home.sql)
    events = property(lambda self: topology.events_queue(self.service))

    def subscriptions(self, handler: Any = effect, **options: Any) -> Subscriptions:
        handlers = {} if "batch" in options else {UPDATED.name: handler}
        return Subscriptions(bindings=(f"{self.company}.#",), handlers=handlers, **options)

    def declare(self, subscriptions: Subscriptions | None = None, broker_url: str | None = None) -> None:
        topology.declare(
            broker_url or self.broker_url, self.service, subscriptions or self.subscriptions(), retries=SHORT
        )

    def record(self, record_id: int, version: int = 1, session: Any = None) -> str:
        """Record an event in the outbox, in a transaction of its own if none is given."""
        with acting_as(Context(company_id=self.company, request_id="request-1")), ExitStack() as stack:
            session = session or stack.enter_context(self.app.transaction())
            return outbox.record(
                session,
                UPDATED,
                source="customers",
                record_id=record_id,
                version=version,
                before=None,
                after=b'{"name":"x"}',
            )

    def body(self, record_id: int = 1, version: int = 1, event_id: str | None = None) -> bytes:
        return events.encode(
            UPDATED,
            source="customers",
            event_id=event_id or events.new_id(),
            occurred_at=datetime.now(UTC),
            record_id=record_id,
            aggregate_version=version,
            context=Context(company_id=self.company, request_id="request-1"),
            before=None,
            after=b'{"name":"x"}',
            changed=(),
        )

    def publish(self, *bodies: bytes, key: str | None = None, headers: Mapping[str, Any] | None = None) -> None:
        """Put messages on the exchange as a relay would; under another `key`, or with headers, as none would."""
        with closing(Publisher(self.broker_url, name="test")) as publisher:
            assert publisher.wait_ready(5)
            key = key or UPDATED.routing_key(self.company)
            messages = [
                Message(topology.EXCHANGE, key, body, events.new_id(), headers=headers or {}) for body in bodies
            ]
            assert set(publisher.publish_batch(messages, 10)) == {Outcome.CONFIRMED}

    @contextmanager
    def running(self, part: Relay | Consumer) -> Iterator[threading.Event]:
        """The part works in a thread during the block, and must end by itself when it is told."""
        stop = threading.Event()
        failures: list[BaseException] = []

        def run() -> None:
            try:
                part.run(stop, lambda: None)
            except BaseException as error:
                failures.append(error)
                raise

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield stop
        finally:
            stop.set()
            thread.join(20)
        assert not thread.is_alive()
        assert not failures

    def relay(self, **options: Any) -> Relay:
        return Relay(self.home.relay_url, options.pop("broker_url", self.broker_url), self.service, **options)

    def consumer(self, subscriptions: Subscriptions | None = None, **options: Any) -> Consumer:
        return Consumer(
            effects=self.app,
            notes=self.app,
            broker_url=self.broker_url,
            service=self.service,
            subscriptions=subscriptions or self.subscriptions(),
            retries=SHORT,
            **options,
        )

    def arrived(self, count: int, queue: str | None = None, broker_url: str | None = None) -> list[bytes]:
        """Take `count` messages from a queue, and see that there is no other."""
        name = queue or topology.events_queue(self.service)
        with closing(
            Subscriber(broker_url or self.broker_url, name="test", queue_name=name, prefetch=1000)
        ) as subscriber:
            found = [delivery for _ in range(count) if (delivery := subscriber.take(10))]
            extra = subscriber.take(0.2)
            subscriber.ack(found)
        assert len(found) == count
        assert extra is None
        return [delivery.body for delivery in found]

    def depth(self, queue: str) -> int:
        with closing(Operator(self.broker_url, name="test")) as operator:
            return int(operator.call("queue_declare", queue=queue, passive=True).message_count)

    def versions(self, bodies: Sequence[bytes]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for body in bodies:
            event = events.decode(body)
            found.setdefault(event.record_id, []).append(event.aggregate_version)
        return found

    def effects(self) -> int:
        return int(self.sql("SELECT count(*) FROM effects")[0][0])

    def unpublished(self) -> int:
        return int(self.sql("SELECT count(*) FROM outbox_pending")[0][0])

    def failed(self) -> list[tuple[Any, ...]]:
        return list(self.sql("SELECT id, event_id::text, error, history, body FROM failed_messages ORDER BY id"))


@contextmanager
def made_home(postgres_url: str, folder: Path, *scripts: str) -> Iterator[Home]:
    """A database of its own, with roles of its own, that migrations have made: texts with a place for `service`."""
    name = f"broker_{uuid4().hex[:8]}"
    roles = [f"{name}_{role}" for role in ("owner", "app", "relay")]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for role in roles:
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{name}'")
        connection.execute(f"CREATE DATABASE {name} OWNER {roles[0]}")

    admin = make_conninfo(postgres_url, dbname=name)
    place = psycopg.conninfo.conninfo_to_dict(admin)
    urls = [f"postgresql://{role}:{name}@{place['host']}:{place['port']}/{name}" for role in roles]
    home = Home(name, postgres_url, admin, *urls)
    home.sql(f"ALTER SCHEMA public OWNER TO {roles[0]}; GRANT USAGE ON SCHEMA public TO {roles[1]}, {roles[2]}")
    (folder / "versions").mkdir()
    (folder / "env.py").write_text(ENVIRONMENT)
    for number, script in enumerate(scripts, 1):
        (folder / "versions" / f"{number:04}_some.py").write_text(script.format(service=name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OWNER_DATABASE_URL", home.owner_url)
        migrations.upgrade(folder)
    yield home
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        for role in roles:
            connection.execute(f"DROP ROLE {role}")


@pytest.fixture
def home_after(postgres_url: str, tmp_path: Path) -> Callable[..., AbstractContextManager[Home]]:
    """A database that further migrations have made."""
    return partial(made_home, postgres_url, tmp_path, MIGRATION)


@pytest.fixture(scope="session")
def home(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with made_home(postgres_url, tmp_path_factory.mktemp("migrations"), MIGRATION) as home:
        yield home


@pytest.fixture
def stage(home: Home, broker_url: str) -> Iterator[Stage]:
    home.sql("TRUNCATE outbox, outbox_pending, outbox_published, inbox, message_attempts, failed_messages, effects")
    app = Database(home.app_url)
    yield Stage(home, broker_url, app)
    app.dispose()
