"""Fixtures of the tasks service's tests."""

from collections.abc import Callable
from typing import Any

import orjson
import psycopg
import pytest

from chassis.db.session import Database
from chassis.events import Event
from chassis.testing.events import hand_to, neighbours_event
from chassis.testing.fixtures import Client
from chassis.testing.waiting import wait_until
from tasks import handlers


@pytest.fixture(scope="session")
def usual_scope() -> str:
    return (
        "account:read account:write tasks:read tasks:write tasks:purge tasks:export "
        "activities:read activities:write activities:write:all activities:purge activities:export"
    )


@pytest.fixture
def until_released(superuser: psycopg.Connection) -> Callable[[], bool]:
    """Wait until PostgreSQL has noticed that a killed process is gone: its locks hold until then, and are skipped."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend' AND xact_start IS NOT NULL"
    )

    return lambda: wait_until(lambda: superuser.execute(query).fetchone() == (0,), 30)


class Known:
    """What the service has heard of its neighbours' records in the company of the test."""

    def __init__(self, connection: psycopg.Connection, company_id: int) -> None:
        self._connection = connection
        self._company_id = company_id

    def _put(self, table: str, key: str, number: int, **values: Any) -> int:
        columns = {"company_id": self._company_id, key: number, **values}
        names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
        self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({places})",  # noqa: S608  # Names of this module alone.
            list(columns.values()),
        )
        return number

    def company(self, **values: Any) -> None:
        if "settings" in values:
            values["settings"] = orjson.dumps(values["settings"]).decode()
        self._put("company_refs", "version", 1, **values)

    def user(self, number: int, **values: Any) -> int:
        return self._put("user_refs", "user_id", number, **values)

    def customer(self, number: int, **values: Any) -> int:
        return self._put("customer_refs", "customer_id", number, **{"version": 1, "name": f"C {number}", **values})

    def lead(self, number: int, **values: Any) -> int:
        return self._put("lead_refs", "lead_id", number, **{"version": 1, "lead_name": f"L {number}", **values})

    def deal(self, number: int, **values: Any) -> int:
        return self._put("deal_refs", "deal_id", number, **{"version": 1, "deal_name": f"D {number}", **values})

    def settings(self, user_id: int, **values: Any) -> None:
        if "default_reminders" in values:
            values["default_reminders"] = orjson.dumps(values["default_reminders"]).decode()
        self._put("user_settings", "user_id", user_id, **values)


@pytest.fixture
def known(superuser: psycopg.Connection, company_id: int) -> Known:
    """The users 7 and 8 are known and active; the test adds what else there is."""
    known = Known(superuser, company_id)
    for user_id in (7, 8):
        known.user(user_id, version=1)
    return known


@pytest.fixture
def create() -> Callable[..., Any]:
    """Create a task, with these values besides; answers it."""

    def build(client: Client, **values: Any) -> Any:
        answer = client.post("/v1/tasks", json={"title": "Call Ada"} | values)
        assert answer.status_code == 201, answer.json
        return answer.json

    return build


@pytest.fixture
def told(superuser: psycopg.Connection, company_id: int) -> Callable[..., list[Any]]:
    """The events that the company's outbox holds, the oldest first; of one record if one is named."""

    def read(subject: str | None = None) -> list[Any]:
        rows = superuser.execute("SELECT body FROM outbox WHERE company_id = %s ORDER BY id", (company_id,)).fetchall()
        found = [orjson.loads(bytes(body)) for (body,) in rows]
        return [event for event in found if subject in (None, event["subject"])]

    return read


@pytest.fixture
def reminders_of(superuser: psycopg.Connection) -> Callable[[int], list[Any]]:
    """The reminders of a task as (kind, user, fire_at, state), in order."""

    def read(task_id: int) -> list[Any]:
        query = "SELECT kind, user_id, fire_at, state FROM reminders WHERE task_id = %s ORDER BY fire_at, kind, id"
        return superuser.execute(query, (task_id,)).fetchall()

    return read


@pytest.fixture
def hear(database: Database, company_id: int) -> Callable[..., Event]:
    """Have the service take an event of a neighbour, as its worker does; answers the event."""

    def take(name: str, record_id: int, version: int, after: Any = None, before: Any = None, **more: Any) -> Event:
        entity = name.partition(".")[0]
        documents = {
            side: None if record is None else {"id": record_id, "company_id": company_id, "version": version, **record}
            for side, record in (("before", before), ("after", after))
        }
        changed = [key for key in (after or {}) if (before or {}).get(key) != after[key]]
        event = more.pop("event", None) or neighbours_event(
            name,
            f"{entity}s/{record_id}",
            company_id,
            version,
            {**documents, "changed": changed, **{key: more[key] for key in more.keys() - {"actor", "operation"}}},
            **{key: more[key] for key in more.keys() & {"actor", "operation"}},
        )
        hand_to(handlers.SUBSCRIPTIONS.handlers, database, event)
        return event

    return take


_NAMES = {"customer": "name", "lead": "lead_name", "deal": "deal_name"}


@pytest.fixture
def hear_of(hear: Callable[..., Event]) -> Callable[..., Event]:
    """Have the service hear of a customer, a lead or a deal, with what its document needs."""

    def take(name: str, number: int, version: int, before: Any = None, **after: Any) -> Event:
        entity, _, action = name.partition(".")
        more = {
            key: after.pop(key) for key in ("actor", "operation", "event", "from_stage", "to_stage") if key in after
        }
        base = {_NAMES[entity]: f"{entity} {number}"}
        base |= dict.fromkeys(("status", "assigned_to", "created_by", "archived_at", "customer_id", "lead_id"))
        base |= dict.fromkeys(("merged_into", "loss_reason"))
        old = None if action == "created" else base | (before or {})
        return hear(name, number, version, None if action == "purged" else base | after, old, **more)

    return take


@pytest.fixture
def note(client: Client) -> Callable[..., Any]:
    """Log a note, with these values besides; answers it."""

    def build(**values: Any) -> Any:
        answer = client.post("/v1/activities", json={"activity_type": "note", "title": "x"} | values)
        assert answer.status_code == 201, answer.json
        return answer.json

    return build


@pytest.fixture
def series_of(client: Client) -> Callable[[Any], Any]:
    """The series of a task as it is now."""
    return lambda task: client.get(f"/v1/task-series/{task['series_id']}").json


@pytest.fixture
def following(client: Client) -> Callable[[Any], Any]:
    """Complete a task of a series; answers the next one."""

    def complete(task: Any) -> Any:
        assert client.post(f"/v1/tasks/{task['id']}/complete", json={}).status_code == 200
        [found] = client.get(f"/v1/tasks?series_id={task['series_id']}&open=true").json["data"]
        return found

    return complete
