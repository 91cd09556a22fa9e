"""How somebody likes what they look at: their own, in each company apart."""

from typing import Any

import pytest

from chassis.testing.fixtures import Client
from identity.schemas.preferences import PreferencesOut


@pytest.fixture
def client(ann: Any, client_of: Any) -> Any:
    return client_of(ann)


def change(client: Client, version: int | None = None, **settings: str | None) -> Any:
    seen = {} if version is None else {"version": version}
    return client.patch("/v1/preferences", json={"settings": settings}, **seen)


def test_before_anything_was_set_there_is_nothing_at_version_0(client: Client, ann: Any) -> None:
    answer = client.get("/v1/preferences")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"0"')
    assert PreferencesOut().validate(answer.json) == {}
    assert (answer.json["user_id"], answer.json["settings"]) == (ann.user_id, {})


def test_a_change_keeps_the_others_and_null_forgets(client: Client, ann: Any, published: Any) -> None:
    assert change(client, theme="dark", density="compact").json["version"] == 1
    assert change(client, theme="light").json["settings"] == {"theme": "light", "density": "compact"}
    forgotten = change(client, density=None)
    assert (forgotten.json["settings"], forgotten.headers["ETag"]) == ({"theme": "light"}, '"3"')
    assert client.get("/v1/preferences").json == forgotten.json
    assert change(client, theme="light").json["version"] == 3
    told = [event for event in published(ann.company_id) if "user_preferences" in event["type"]]
    assert [event["type"].split(".")[2] for event in told] == ["created", "updated", "updated"]
    assert told[-1]["data"]["after"]["settings"] == {"theme": "light"}


def test_a_version_is_heeded_where_it_is_given(client: Client) -> None:
    assert change(client, 1, theme="dark").status_code == 412
    assert change(client, 0, theme="dark").status_code == 200
    stale = change(client, 0, theme="light")
    assert (stale.status_code, stale.headers["ETag"]) == (412, '"1"')


def test_each_company_has_its_own(client: Client, ann: Any, register: Any, join: Any, http: Any) -> None:
    ben = register()
    join(ann.user_id, ben.company_id)
    change(client, theme="dark")
    there = client.post("/v1/auth/switch-company", json={"company_id": ben.company_id}).json["access_token"]
    assert Client(http, there).get("/v1/preferences").json["settings"] == {}


def test_of_first_changes_at_once_none_is_lost(client: Client, side_by_side: Any) -> None:
    calls = [lambda http, n=number: change(Client(http, client.token), **{f"n{n}": "x"}) for number in range(6)]
    assert {answer.status_code for answer in side_by_side(calls)} == {200}
    found = client.get("/v1/preferences").json
    assert (len(found["settings"]), found["version"]) == (6, 6)


@pytest.mark.parametrize("given", [{"Theme ": "dark"}, {"theme": 7}, {"theme": "x" * 2_001}, {"theme": ["dark"]}])
def test_what_is_no_setting_is_refused(client: Client, given: Any) -> None:
    assert client.patch("/v1/preferences", json={"settings": given}).status_code == 422


def test_all_together_have_an_end(client: Client) -> None:
    for start in range(2):
        answer = change(client, **{f"n{start}.{number}": "x" * 2_000 for number in range(10)})
    assert (answer.status_code, answer.json["code"]) == (409, "too_many_preferences")
    assert len(client.get("/v1/preferences").json["settings"]) == 10
