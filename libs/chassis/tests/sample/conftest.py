"""The chassis, asked through the sample service: a shelf, books on it, and what happens to them."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.db.session import Database
from chassis.events import Event
from chassis.testing.events import hand_to, neighbours_event
from chassis.testing.fixtures import Client
from sample.handlers import SUBSCRIPTIONS


@pytest.fixture(scope="module")
def own_service() -> str:
    return "sample"


@pytest.fixture(scope="session")
def usual_scope() -> str:
    return "shelves:write shelves:purge books:read books:write books:purge books:export"


@pytest.fixture
def known(superuser: psycopg.Connection, company_id: int) -> Callable[..., None]:
    """Have the service know these users, who are active."""

    def know(*user_ids: int, company: int = company_id, active: bool = True) -> None:
        for user_id in user_ids:
            superuser.execute(
                "INSERT INTO user_refs (company_id, user_id, membership_id, version, name, is_active)"
                " VALUES (%s, %s, %s, 1, %s, %s) ON CONFLICT (company_id, user_id)"
                " DO UPDATE SET name = excluded.name, is_active = excluded.is_active",
                (company, user_id, user_id, f"User {user_id}", active),
            )

    return know


@pytest.fixture
def shelf(client: Client) -> Any:
    """A shelf of the test's tenant."""
    return client.post("/v1/shelves", json={"name": "Poetry"}).json


@pytest.fixture
def create(client: Client, shelf: Any) -> Callable[..., Any]:
    """Put a book on the shelf, with these values besides; answers it. `by` is somebody else who does so."""

    def build(*, by: Client = client, **values: Any) -> Any:
        answer = by.post("/v1/books", json={"shelf_id": shelf["id"], "title": "Notes"} | values)
        assert answer.status_code == 201, answer.json
        return answer.json

    return build


@pytest.fixture
def fill(superuser: psycopg.Connection, company_id: int, shelf: Any) -> Callable[..., None]:
    """Write many books, as if they had been there: `Title 1` is the newest; `columns` are SQL of their number `n`."""

    def write(count: int, **columns: str) -> None:
        names, values = ", ".join(["", *columns]), ", ".join(["", *columns.values()])
        superuser.execute(
            f"INSERT INTO books (company_id, shelf_id, title, created_at{names})"  # noqa: S608  # Of the tests' own.
            f" SELECT %s, %s, 'Title ' || n, now() - n * interval '1 second'{values} FROM generate_series(1, %s) n",
            (company_id, shelf["id"], count),
        )

    return write


@pytest.fixture
def told(published: Callable[..., list[Any]]) -> Callable[[], list[tuple[str, int]]]:
    """What the outbox tells of books and shelves: (`book.created`, version), the oldest first."""
    return lambda: [
        (event["type"].removeprefix("crm.").removesuffix(".v1"), event["aggregateversion"]) for event in published()
    ]


@pytest.fixture
def hear(database: Database, company_id: int) -> Callable[..., Event]:
    """Have the service take an event of a neighbour, as its worker does; answers the event."""

    def take(name: str, number: int, version: int, *, again: Event | None = None, **more: Any) -> Event:
        data = {"before": None, "after": None, "changed": []} | more
        event = again or neighbours_event(name, f"{name.partition('.')[0]}s/{number}", company_id, version, data)
        hand_to(SUBSCRIPTIONS.handlers, database, event)
        return event

    return take


@pytest.fixture
def hear_of_user(hear: Callable[..., Event]) -> Callable[..., Event]:
    """Have the service hear of a member of the company, by an event of identity."""

    def take(action: str, version: int, user_id: int = 9, membership_id: int = 1, **changes: Any) -> Event:
        document = {
            "user_id": user_id,
            "status": "active",
            "transfer_plan": None,
            "user": {"first_name": "Bob", "last_name": f"V{version}", "email": "bob@x.example", "is_active": True},
        } | changes
        gone = action == "removed"
        return hear(f"user_company.{action}", membership_id, version, before=document, after=None if gone else document)

    return take
