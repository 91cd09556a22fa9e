"""What other services are told: how many tasks are open, how far a purge is; to nobody without the services' key."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from typing import Any
from uuid import uuid4

import pytest

from chassis.db.session import Database
from chassis.testing.fixtures import Client
from chassis.web.application import ServiceApplication
from tasks.app import SERVICE
from tasks.commands.user_purges import PURGES

KEY = "services-key-" + "k" * 32


@pytest.fixture(scope="module")
def services_app(application: ServiceApplication, database: Database) -> ServiceApplication:
    return ServiceApplication(SERVICE, replace(application.config["SETTINGS"], service_key=KEY), database)


@pytest.fixture
def ask(services_app: ServiceApplication, company_id: int) -> Callable[..., Any]:
    """Ask as a service does."""

    def question(of_company: int = company_id, key: str = KEY, about: str = "open-tasks", **query: object) -> Any:
        return services_app.test_client().get(
            f"/internal/{about}/{of_company}", query_string=query, headers={"Authorization": f"Bearer {key}"}
        )

    return question


def test_open_tasks_are_counted_and_no_others(
    *, ask: Callable[..., Any], client: Client, known: Any, create: Callable[..., Any], company_id: int
) -> None:
    for _ in range(2):
        create(client, assigned_to=8)
    create(client, assigned_to=7)
    done, archived = create(client, assigned_to=8), create(client, assigned_to=8)
    assert client.post(f"/v1/tasks/{done['id']}/complete", json={}, version=1).status_code == 200
    assert client.delete(f"/v1/tasks/{archived['id']}", version=1).status_code == 204
    answer = ask(user_id=8)
    assert (answer.status_code, answer.json, answer.headers["Cache-Control"]) == (200, {"open_tasks": 2}, "no-store")
    assert ask(company_id + 10**9, user_id=8).json == {"open_tasks": 0}


@pytest.mark.parametrize("user_id", ["", "x", "-1", "0", "1" * 20])
def test_a_question_about_nobody_is_refused(ask: Callable[..., Any], user_id: str) -> None:
    answer = ask(user_id=user_id)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")


def test_a_purge_waits_for_its_event_is_worked_on_and_is_done(
    *,
    ask: Callable[..., Any],
    client: Client,
    known: Any,
    create: Callable[..., Any],
    hear: Callable[..., Any],
    database: Database,
    company_id: int,
) -> None:
    def state(of_company: int = company_id) -> Any:
        answer = ask(of_company, about="user-purges", event_id=event_id)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        return answer.json

    create(client, assigned_to=8)
    event_id = str(uuid4())
    waiting = {"state": "waiting", "changed": 0, "finished_at": None}
    assert state() == waiting
    user = {"first_name": "Former", "last_name": "user", "email": "", "is_active": False}
    before = {"user_id": 8, "user": user, "status": "deactivated"}
    event_id = hear("user_company.purged", 8, 5, before=before, transfer_to=None, activities="keep", actor=7).id
    assert state() == {"state": "working", "changed": 0, "finished_at": None}
    PURGES.work(database, Flag())
    done = state()
    # The task, and that it was told of.
    assert (done["state"], done["changed"]) == ("done", 2)
    assert datetime.fromisoformat(done["finished_at"]) <= datetime.now(UTC) + timedelta(minutes=5)
    assert state(company_id + 10**9) == waiting


@pytest.mark.parametrize("event_id", ["", "x", "1" * 31])
def test_a_question_about_no_event_is_refused(ask: Callable[..., Any], event_id: str) -> None:
    answer = ask(about="user-purges", event_id=event_id)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")


def test_strangers_learn_nothing(ask: Callable[..., Any], client: Client) -> None:
    assert ask(key="x" * 32, user_id=8).json["code"] == "invalid_service_key"
    assert client.get("/internal/open-tasks/1?user_id=8").status_code == 401
    assert client.get(f"/internal/user-purges/1?event_id={uuid4()}").status_code == 401
