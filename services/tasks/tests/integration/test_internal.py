"""What other services are told of tasks: how many are open, to nobody without the services' key."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chassis.db.session import Database
from chassis.testing.fixtures import Client
from chassis.web.application import ServiceApplication
from tasks.app import SERVICE

KEY = "services-key-" + "k" * 32


@pytest.fixture(scope="module")
def services_app(application: ServiceApplication, database: Database) -> ServiceApplication:
    return ServiceApplication(SERVICE, replace(application.config["SETTINGS"], service_key=KEY), database)


@pytest.fixture
def ask(services_app: ServiceApplication, company_id: int) -> Callable[..., Any]:
    """Ask as a service does."""

    def question(of_company: int = company_id, key: str = KEY, **query: object) -> Any:
        return services_app.test_client().get(
            f"/internal/open-tasks/{of_company}", query_string=query, headers={"Authorization": f"Bearer {key}"}
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


def test_strangers_learn_nothing(ask: Callable[..., Any], client: Client) -> None:
    assert ask(key="x" * 32, user_id=8).json["code"] == "invalid_service_key"
    assert client.get("/internal/open-tasks/1?user_id=8").status_code == 401
