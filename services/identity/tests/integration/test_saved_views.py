"""Saved views: one's own are nobody else's business, shared ones are everybody's and changed by who may share."""

from typing import Any

import pytest

from chassis.testing.fixtures import Client
from identity.commands import saved_views as commands
from identity.schemas.saved_views import SavedViewOut

VIEW = {"screen": "customers", "name": "Active ones", "query": "status=active&name[contains]=müller"}


@pytest.fixture
def admin(ann: Any, client_of: Any) -> Any:
    return client_of(ann)


@pytest.fixture
def bob(hire: Any, ann: Any) -> Any:
    return hire(ann)


def save(client: Client, **values: object) -> Any:
    answer = client.post("/v1/views", json={**VIEW, **values})
    assert answer.status_code == 201, answer.json
    return answer.json


def names(client: Client, query: str = "") -> list[str]:
    return [each["name"] for each in client.get(f"/v1/views?{query}").json["data"]]


def test_a_view_is_saved_changed_and_deleted(bob: Any, ann: Any, published: Any) -> None:
    answer = bob.client.post("/v1/views", json={**VIEW, "columns": ["name", "city"]})
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert SavedViewOut().validate(answer.json) == {}
    assert answer.json["user_id"] == bob.user_id
    assert (answer.json["query"], answer.json["columns"], answer.json["shared"]) == (
        VIEW["query"],
        ["name", "city"],
        False,
    )
    place = answer.headers["Location"]
    assert bob.client.get(place).json == answer.json
    changed = bob.client.patch(place, json={"columns": None, "query": ""}, version=1)
    assert (changed.status_code, changed.json["version"]) == (200, 2)
    assert (changed.json["columns"], changed.json["query"]) == (None, "")
    assert bob.client.patch(place, json={"name": "Others"}, version=1).status_code == 412
    assert bob.client.delete(place, version=2).status_code == 204
    assert bob.client.get(place).json["code"] == "saved_view_not_found"
    told = [event["type"] for event in published(ann.company_id) if "saved_view" in event["type"]]
    assert told == [f"crm.saved_view.{action}.v1" for action in ("created", "updated", "deleted")]


def test_ones_own_view_is_nobody_elses(bob: Any, admin: Client) -> None:
    place = f"/v1/views/{save(bob.client)['id']}"
    assert admin.get("/v1/views").json["data"] == []
    assert admin.get(place).status_code == 404
    assert admin.patch(place, json={"name": "Mine"}, version=1).status_code == 404
    assert admin.delete(place, version=1).status_code == 404
    assert admin.get("/v1/views?include=total").json["page"]["total"] == 0


def test_a_shared_view_is_seen_by_all_and_changed_by_who_may_share(bob: Any, admin: Client) -> None:
    mine, shared = save(bob.client), save(admin, name="Big ones", shared=True)
    assert names(bob.client) == ["Active ones", "Big ones"]
    assert names(bob.client, "shared=true") == ["Big ones"]
    assert names(bob.client, "screen=deals") == []
    place = f"/v1/views/{shared['id']}"
    for refused in (
        bob.client.patch(place, json={"name": "Mine"}, version=1),
        bob.client.patch(place, json={"shared": False}, version=1),
        bob.client.patch(f"/v1/views/{mine['id']}", json={"shared": True}, version=1),
        bob.client.delete(place, version=1),
        bob.client.post("/v1/views", json={**VIEW, "name": "For all", "shared": True}),
    ):
        assert (refused.status_code, refused.json["code"]) == (403, "permission_missing")
    assert bob.client.get(place).json == shared


def test_a_manager_changes_what_somebody_else_has_shared(admin: Client, ann: Any, hire: Any) -> None:
    eve = hire(ann, "manager")
    place = f"/v1/views/{save(eve.client, shared=True)['id']}"
    changed = admin.patch(place, json={"name": "Bigger ones"}, version=1)
    assert (changed.status_code, changed.json["user_id"]) == (200, eve.user_id)
    taken_back = admin.patch(place, json={"shared": False}, version=2)
    assert taken_back.json["user_id"] == eve.user_id
    assert admin.get(place).status_code == 404
    assert eve.client.get(place).status_code == 200


def test_a_name_is_there_once_for_each_screen_and_each_who_sees_it(bob: Any, admin: Client) -> None:
    save(bob.client)
    taken = bob.client.post("/v1/views", json={**VIEW, "name": "ACTIVE ones"})
    assert (taken.status_code, taken.json["code"], taken.json["errors"][0]["pointer"]) == (
        409,
        "view_name_taken",
        "/name",
    )
    save(bob.client, screen="deals")
    save(admin)
    save(admin, shared=True)
    assert admin.post("/v1/views", json={**VIEW, "shared": True}).json["code"] == "view_name_taken"


def test_there_are_not_endlessly_many(
    bob: Any, admin: Client, monkeypatch: pytest.MonkeyPatch, ann: Any, side_by_side: Any
) -> None:
    monkeypatch.setattr(commands, "MOST_OWN", 3)
    monkeypatch.setattr(commands, "MOST_SHARED", 1)
    calls = [
        lambda http, number=number: Client(http, bob.client.token).post(
            "/v1/views", json={**VIEW, "name": f"View {number}"}
        )
        for number in range(6)
    ]
    answers = side_by_side(calls)
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 3
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"too_many_views"}
    save(admin, shared=True)
    mine = save(admin, name="Mine")
    refused = admin.patch(f"/v1/views/{mine['id']}", json={"shared": True}, version=1)
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_views")


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"screen": "Customers!"}, "/screen"),
        ({"name": "  "}, "/name"),
        ({"query": "?status=active"}, "/query"),
        ({"query": "status=active#top"}, "/query"),
        ({"query": "status"}, "/query"),
        ({"query": "a=" + "x" * 4_000}, "/query"),
        ({"columns": ["<script>"]}, "/columns/0"),
        ({"columns": ["name"] * 101}, "/columns"),
        ({"shared": "true"}, "/shared"),
        ({"user_id": 7}, "/user_id"),
    ],
)
def test_what_is_no_view_is_refused(admin: Client, values: Any, pointer: str) -> None:
    answer = admin.post("/v1/views", json={**VIEW, **values})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == pointer


def test_who_leaves_takes_their_own_views_and_leaves_the_shared_ones(
    *, admin: Client, ann: Any, hire: Any, join: Any, register: Any, published: Any
) -> None:
    eve, ben = hire(ann, "manager"), register()
    join(eve.user_id, ben.company_id)
    own, shared = save(eve.client), save(eve.client, name="For all", shared=True)
    eve.client.patch("/v1/preferences", json={"settings": {"theme": "dark"}})
    version = admin.get(eve.path).json["version"]
    assert admin.delete(eve.path, version=version).status_code == 204
    left = admin.get(f"/v1/views/{shared['id']}").json
    assert (left["user_id"], left["version"]) == (None, 2)
    told = [(event["type"], event["subject"]) for event in published(ann.company_id)]
    assert ("crm.saved_view.deleted.v1", f"saved_views/{own['id']}") in told
    assert "crm.user_preferences.deleted.v1" in [kind for kind, _ in told]
    taken = admin.patch(f"/v1/views/{shared['id']}", json={"shared": False}, version=2)
    assert taken.json["user_id"] == ann.user_id


def test_a_key_of_a_machine_has_no_views(http: Any, admin: Client) -> None:
    key = admin.post("/v1/api-keys", json={"name": "Nightly", "scopes": ["customers:read"]}).json
    form = {"grant_type": "client_credentials", "client_id": key["prefix"], "client_secret": key["key"]}
    token = http.post("/v1/auth/token", data=form).json["access_token"]
    assert Client(http, token).get("/v1/views").status_code == 403
    refused = admin.post("/v1/api-keys", json={"name": "Sharing", "scopes": ["views:share"]})
    assert refused.json["errors"][0]["code"] == "not_for_keys"
