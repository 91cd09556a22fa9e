"""What other services are told when no event has told them: the same documents, to nobody without the services' key."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chassis.config import SettingsError
from chassis.db.session import Database
from chassis.web.application import ServiceApplication
from identity.app import SERVICE
from identity.keys import IdentitySettings

KEY = "services-key-" + "k" * 32
AGENT_KEY = "agents-key-" + "a" * 32
PATHS = ("/internal/companies", "/internal/members/1")


@pytest.fixture(scope="module")
def services_app(settings: IdentitySettings, database: Database) -> Any:
    return ServiceApplication(SERVICE, replace(settings, service_key=KEY, gateway_agent_key=AGENT_KEY), database)


@pytest.fixture
def ask(services_app: ServiceApplication) -> Any:
    """Ask as a service does; answers the document."""

    def question(path: str, **query: object) -> Any:
        answer = services_app.test_client().get(path, query_string=query, headers={"Authorization": f"Bearer {KEY}"})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), answer.text
        return answer.json

    return question


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", f"Bearer {KEY}x", f"Basic {KEY}", KEY, f"Bearer {AGENT_KEY}", "ß"]
)
def test_strangers_learn_nothing(services_app: ServiceApplication, path: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = services_app.test_client().get(path, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_service_key")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer", "Bearer None"])
def test_without_a_key_in_the_settings_nobody_gets_in(http: Any, path: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    assert http.get(path, headers=headers).status_code == 401


def test_the_services_key_is_not_the_agents(services_app: ServiceApplication) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    assert services_app.test_client().get("/internal/revocations", headers=headers).status_code == 401


def test_a_token_of_a_user_is_no_services_key(http: Any, register: Callable[..., Any]) -> None:
    ann = register()
    assert http.get(f"/internal/members/{ann.company_id}", headers=ann.headers).status_code == 401


def test_a_key_that_could_be_guessed_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://")
    monkeypatch.setenv("SERVICE_KEY", "k" * 31)
    with pytest.raises(SettingsError, match="SERVICE_KEY is shorter"):
        IdentitySettings.from_environment()


def test_a_member_is_shown_as_the_last_event_showed_them(
    ask: Any, register: Callable[..., Any], hire: Any, client_of: Any, published: Any
) -> None:
    ann = register()
    bob = hire(ann)
    admin = client_of(ann)
    assert admin.patch(bob.path, json={"first_name": "Robert", "role": "manager"}, version=1).status_code == 200
    assert admin.post(f"{bob.path}/suspend").status_code == 200
    event = next(e for e in reversed(published(ann.company_id)) if e["type"].startswith("crm.user_company."))
    told = ask(f"/internal/members/{ann.company_id}", ids=bob.user_id)
    assert told == {"data": [event["data"]["after"]], "next": None}
    assert told["data"][0]["version"] == event["aggregateversion"]


def test_a_company_is_shown_as_the_last_event_showed_it(
    ask: Any, register: Callable[..., Any], client_of: Any, published: Any
) -> None:
    ann = register()
    change = {"region": "DE", "settings": {"duplicates": "block"}}
    assert client_of(ann).patch("/v1/companies/current", json=change, version=1).status_code == 200
    event = next(e for e in reversed(published(ann.company_id)) if e["type"] == "crm.company.updated.v1")
    assert ask("/internal/companies", after=ann.company_id - 1, limit=1)["data"] == [event["data"]["after"]]


def test_who_works_for_another_company_is_left_out(ask: Any, register: Callable[..., Any], hire: Any) -> None:
    ann, eve = register(), register()
    bob = hire(eve)
    path = f"/internal/members/{ann.company_id}"
    assert ask(path, ids=f"{bob.user_id},{ann.user_id},{2**63 - 1}")["data"] == ask(path)["data"]
    assert [member["user_id"] for member in ask(path)["data"]] == [ann.user_id]
    assert ask(f"/internal/members/{2**62}") == {"data": [], "next": None}


def test_pages_of_members_hold_each_once(ask: Any, register: Callable[..., Any], hire: Any) -> None:
    ann = register()
    everybody = [ann.user_id, *(hire(ann).user_id for _ in range(4))]
    sizes, found, after = [], [], 0
    while after is not None:
        page = ask(f"/internal/members/{ann.company_id}", after=after, limit=2)
        found += [member["user_id"] for member in page["data"]]
        sizes.append(len(page["data"]))
        after = page["next"]
    assert (found, sizes) == (everybody, [2, 2, 1])


def test_pages_of_companies_hold_each_once(ask: Any, register: Callable[..., Any]) -> None:
    ours = [register().company_id for _ in range(5)]
    found, after = [], ours[0] - 1
    while after is not None:
        page = ask("/internal/companies", after=after, limit=2)
        found += [company["id"] for company in page["data"]]
        after = page["next"]
    # Other tests may have made companies with higher ids.
    assert found[: len(ours)] == ours
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "query", ["ids=", "ids=x", "ids=0", "ids=1,", "ids=-1", f"ids={2**63}", "ids=" + "1," * 100 + "1", "after=x"]
)
def test_a_question_that_is_none_is_refused(services_app: ServiceApplication, query: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = services_app.test_client().get(f"/internal/members/1?{query}", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")
