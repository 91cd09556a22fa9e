"""Members who were purged: their open tasks are somebody else's, and what was only theirs is gone."""

from collections.abc import Callable
from threading import Event as Flag
from typing import Any

import psycopg
import pytest

from chassis.db.session import Database
from chassis.testing.events import assert_each_follows
from chassis.testing.fixtures import Client
from chassis.testing.purges import naming_users, seen_to
from tasks.commands.user_purges import PURGES
from tasks.models import metadata

ANN, BOB, EVE = 7, 8, 9


@pytest.fixture
def people(known: Any) -> None:
    known.user(EVE, version=1)
    known.customer(3)


@pytest.fixture
def bob(client_of: Callable[..., Client], company_id: int, people: None) -> Client:
    return client_of(company_id, user_id=BOB)


@pytest.fixture
def purge(hear: Callable[..., Any], database: Database) -> Callable[..., Any]:
    """Hear that Bob was purged by Ann, and do what follows."""

    def take(transfer_to: int | None = None, activities: str = "keep") -> Any:
        user = {"first_name": "Former", "last_name": "user", "email": "", "is_active": False}
        event = hear(
            "user_company.purged",
            BOB,
            5,
            before={"user_id": BOB, "user": user, "status": "deactivated"},
            transfer_to=transfer_to,
            activities=activities,
            actor=ANN,
        )
        PURGES.work(database, Flag())
        return event

    return take


@pytest.fixture
def rows(superuser: psycopg.Connection, company_id: int) -> Callable[..., list[Any]]:
    def read(columns: str, table: str) -> list[Any]:
        query = f"SELECT {columns} FROM {table} WHERE company_id = %s ORDER BY 1"  # noqa: S608  # Names of this test.
        return superuser.execute(query, (company_id,)).fetchall()

    return read


def test_open_and_closed_tasks_go_to_who_was_named(
    *, bob: Client, create: Any, purge: Any, rows: Any, told: Any
) -> None:
    create(bob, title="1 open", assigned_to=BOB)
    done = create(bob, title="2 done", assigned_to=BOB)
    assert bob.post(f"/v1/tasks/{done['id']}/complete", json={}, version=1).status_code == 200
    create(bob, title="3 series", assigned_to=BOB, due_on="2100-01-01", recurrence={"rrule": "FREQ=DAILY"})
    create(bob, title="4 Eve's", assigned_to=EVE)
    event = purge(transfer_to=EVE)
    assert rows("title, assigned_to, created_by", "tasks") == [
        ("1 open", EVE, None),
        ("2 done", EVE, None),
        ("3 series", EVE, None),
        ("4 Eve's", EVE, None),
    ]
    assert rows("assigned_to, created_by", "task_series") == [(EVE, None)]
    assert_each_follows([each for each in told() if not each["subject"].startswith("user_")])
    changes = [each for each in told() if each["causationid"] == event.id]
    assert len(changes) == 5
    assert {each["actor"] for each in changes} == {str(ANN)}
    assert rows("name, email, is_active", "user_refs")[0] == ("Former user", None, False)


@pytest.mark.parametrize(
    ("count", "title"), [(1, "1 task of a former member is yours"), (3, "3 tasks of a former member are yours")]
)
def test_who_was_named_is_told_once_how_many_there_are(
    *, bob: Client, client_of: Any, company_id: int, create: Any, purge: Any, count: int, title: str
) -> None:
    for number in range(count):
        create(bob, title=str(number), assigned_to=BOB)
    done = create(bob, title="done", assigned_to=BOB)
    bob.post(f"/v1/tasks/{done['id']}/complete", json={}, version=1)
    event = purge(transfer_to=EVE)
    [told] = client_of(company_id, user_id=EVE).get("/v1/notifications").json["data"]
    assert (told["kind"], told["title"], told["details"]) == ("transfer", title, {"moved": count})
    assert (told["subject_table"], told["subject_id"]) == ("user_companies", event.record_id)


@pytest.mark.parametrize("heir", [ANN, None, EVE])
def test_nobody_is_told_of_nothing_or_of_what_they_did_themselves(
    *, bob: Client, client_of: Any, company_id: int, create: Any, purge: Any, heir: int | None
) -> None:
    if heir != EVE:
        create(bob, title="open", assigned_to=BOB)
    purge(transfer_to=heir)
    for user in (ANN, EVE):
        assert client_of(company_id, user_id=user).get("/v1/notifications").json["data"] == []


def test_a_task_that_came_after_the_count_goes_to_who_purged(
    *, bob: Client, create: Any, purge: Any, rows: Any
) -> None:
    create(bob, title="1 open", assigned_to=BOB)
    archived = create(bob, title="2 archived", assigned_to=BOB)
    assert bob.delete(f"/v1/tasks/{archived['id']}", version=1).status_code == 204
    done = create(bob, title="3 done", assigned_to=BOB)
    assert bob.post(f"/v1/tasks/{done['id']}/complete", json={}, version=1).status_code == 200
    purge()
    # What is done goes on naming the former user, as somebody has to be named.
    assert rows("title, assigned_to, created_by", "tasks") == [
        ("1 open", ANN, None),
        ("2 archived", ANN, None),
        ("3 done", BOB, None),
    ]


def test_where_who_purged_is_gone_too_the_eldest_member_has_it(
    *, bob: Client, create: Any, purge: Any, rows: Any, superuser: psycopg.Connection, company_id: int
) -> None:
    create(bob, assigned_to=BOB)
    superuser.execute(
        "UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = %s", (company_id, ANN)
    )
    purge()
    assert rows("assigned_to", "tasks") == [(EVE,)]


def test_what_was_only_theirs_is_gone(
    *, bob: Client, client: Client, create: Any, purge: Any, superuser: psycopg.Connection, company_id: int, told: Any
) -> None:
    task = create(client, due_on="2100-01-01")
    assert bob.patch("/v1/notification-settings", json={"digest": True}).status_code == 200
    assert bob.post("/v1/calendar-feed", json={}).status_code == 201
    assert bob.post(f"/v1/tasks/{task['id']}/reminders", json={"minutes_before": 5}).status_code == 201
    superuser.execute(
        "INSERT INTO notifications (company_id, user_id, kind, subject_table, subject_id, title, event_id)"
        " SELECT %s, 8, 'reminder', 'tasks', 1, 'x', gen_random_uuid() FROM generate_series(1, 1500)",
        (company_id,),
    )
    superuser.execute(
        "WITH d AS (INSERT INTO digests (company_id, user_id, local_date, due_at)"
        " VALUES (%(company)s, 8, '2026-01-01', now()) RETURNING id)"
        " INSERT INTO mails (company_id, user_id, digest_id, recipient, subject, body)"
        " SELECT %(company)s, 8, id, 'bob@acme.example', 'Today', 'x' FROM d",
        {"company": company_id},
    )
    purge(transfer_to=EVE)
    for table in ("notifications", "user_settings", "calendar_feeds", "reminders", "digests", "mails"):
        query = f"SELECT count(*) FROM {table} WHERE company_id = %s AND user_id = 8"  # noqa: S608  # Names of this test.
        assert superuser.execute(query, (company_id,)).fetchone() == (0,), table
    assert [each["type"] for each in told()].count("crm.calendar_feed.revoked.v1") == 1


@pytest.mark.parametrize("activities", ["keep", "delete"])
def test_what_was_logged_stays_or_goes_one_by_one(
    *, bob: Client, purge: Any, rows: Any, told: Any, superuser: psycopg.Connection, company_id: int, activities: str
) -> None:
    for title in ("one", "two"):
        note = {"activity_type": "note", "title": title, "description": title, "customer_id": 3}
        assert bob.post("/v1/activities", json=note).status_code == 201
    superuser.execute(
        "INSERT INTO activities (company_id, activity_type, title, customer_id, user_id, change)"
        " VALUES (%s, 'status_change', 'status', 3, 8, '{}')",
        (company_id,),
    )
    purge(transfer_to=EVE, activities=activities)
    left = rows("title, user_id", "activities")
    purged = [each for each in told() if each["type"] == "crm.activity.purged.v1"]
    if activities == "keep":
        assert left == [("one", BOB), ("status", BOB), ("two", BOB)]
        assert purged == []
    else:
        # What an event has written is of the record, and stays without the name.
        assert left == [("status", None)]
        assert len(purged) == 2


def test_the_same_event_again_has_no_effect(
    *, bob: Client, create: Any, purge: Any, hear: Any, told: Any, database: Database
) -> None:
    create(bob, assigned_to=BOB)
    event = purge(transfer_to=EVE)
    before = told()
    hear("user_company.purged", BOB, 5, event=event)
    PURGES.work(database, Flag())
    assert told() == before


def test_everything_that_names_users_is_thought_of() -> None:
    """A new column that names a user is handed on, deleted, or said here to stay."""
    apart = {"activities.user_id", "calendar_feeds.user_id"}  # Taken one by one, and revoked.
    stay = {"task_transfers.user_id", "task_exports.created_by", "activity_exports.created_by"}
    assert naming_users(metadata) - seen_to(PURGES) - apart == stay
