"""API keys: made within what their maker may, shown once, revoked at once, and never a way to more."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
import psycopg
import pytest

from chassis.contracts.files import Contracts
from identity import rules
from identity.schemas.api_keys import ApiKeyOut

SCOPES = ["customers:read", "customers:write"]


@pytest.fixture
def make(http: Any) -> Any:
    """Make a key as somebody; answers the response."""

    def post(who: Any, **values: object) -> Any:
        body = {"name": "Nightly import", "scopes": SCOPES, **values}
        return http.post("/v1/api-keys", json=body, headers=who.headers)

    return post


@pytest.fixture
def member_of(register: Callable[..., Any], join: Callable[..., Any], log_in: Callable[..., Any]) -> Any:
    """The headers of a new member of a company, who also runs a company of their own."""

    def build(company_id: int, role: str, permissions: object = None) -> Any:
        other = register()
        join(other.user_id, company_id, role, permissions)
        token = log_in(other.email, company_id=company_id).json["access_token"]
        return {"Authorization": f"Bearer {token}"}

    return build


def test_a_key_is_shown_once_and_stored_as_its_hash(
    http: Any, register: Callable[..., Any], make: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann = register()
    made = make(ann)
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    assert made.headers["Location"] == f"/v1/api-keys/{made.json['id']}"
    key = made.json["key"]
    opening, prefix, secret = key.split("_", 2)
    assert (opening, prefix, len(secret)) == ("crm", made.json["prefix"], 43)
    stored = superuser.execute("SELECT secret_hash FROM api_keys WHERE prefix = %s", (prefix,)).fetchone()
    assert stored == (sha256(key.encode()).digest(),)
    shown = http.get(made.headers["Location"], headers=ann.headers)
    assert shown.json == {name: value for name, value in made.json.items() if name != "key"}
    assert ApiKeyOut().validate(shown.json) == {}
    assert shown.headers["ETag"] == '"1"'
    assert http.get("/v1/api-keys", headers=ann.headers).json["data"] == [shown.json]
    assert secret not in shown.text


def test_a_key_is_good_for_ninety_days_unless_asked_otherwise(
    register: Callable[..., Any], make: Callable[..., Any]
) -> None:
    ann = register()
    given = datetime.fromisoformat(make(ann).json["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < given <= timedelta(days=90)
    wanted = datetime.now(UTC) + timedelta(days=364)
    assert datetime.fromisoformat(make(ann, expires_at=wanted.isoformat()).json["expires_at"]) == wanted


@pytest.mark.parametrize(("days", "code"), [(-1, "in_the_past"), (366, "too_far")])
def test_a_key_expires_in_the_future_and_within_a_year(
    register: Callable[..., Any], make: Callable[..., Any], days: int, code: str
) -> None:
    answer = make(register(), expires_at=(datetime.now(UTC) + timedelta(days=days)).isoformat())
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]] == [("/expires_at", code)]


def test_no_scopes_are_no_permissions(register: Callable[..., Any], make: Callable[..., Any]) -> None:
    assert make(register(), scopes=[]).json["scopes"] == []


@pytest.mark.parametrize("scope", [*sorted(set(rules.PERMISSIONS) - rules.KEY_SCOPES), "root:everything", ""])
def test_what_is_kept_from_keys_is_refused_by_its_place(
    register: Callable[..., Any], make: Callable[..., Any], scope: str
) -> None:
    answer = make(register(), scopes=["customers:read", scope])
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]] == [("/scopes/1", "not_for_keys")]


def test_nobody_gives_a_key_what_they_do_not_have(
    http: Any, register: Callable[..., Any], member_of: Callable[..., Any]
) -> None:
    headers = member_of(register().company_id, "user", {"grant": ["api_keys:write"]})
    answer = http.post("/v1/api-keys", json={"name": "x", "scopes": SCOPES}, headers=headers)
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]] == [("/scopes/1", "not_held")]
    assert http.post("/v1/api-keys", json={"name": "x", "scopes": SCOPES[:1]}, headers=headers).status_code == 201


@pytest.mark.parametrize("role", ["manager", "sales_rep", "user"])
def test_only_who_runs_the_company_deals_in_keys(
    http: Any, register: Callable[..., Any], make: Callable[..., Any], member_of: Callable[..., Any], role: str
) -> None:
    ann = register()
    path = make(ann).headers["Location"]
    headers = member_of(ann.company_id, role)
    answers = [
        http.post("/v1/api-keys", json={"name": "x", "scopes": []}, headers=headers),
        http.get("/v1/api-keys", headers=headers),
        http.get(path, headers=headers),
        http.delete(path, headers={**headers, "If-Match": '"1"'}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"name": "x"},
        {"name": "", "scopes": []},
        {"name": "x" * 101, "scopes": []},
        {"name": "a\0b", "scopes": []},
        {"name": "x", "scopes": "customers:read"},
        {"name": "x", "scopes": [1]},
        {"name": "x", "scopes": ["a\0b"]},
        {"name": "x", "scopes": ["customers:read"] * 51},
        {"name": "x", "scopes": [], "expires_at": None},
        {"name": "x", "scopes": [], "expires_at": "2027-01-01T00:00:00"},
        {"name": "x", "scopes": [], "expires_at": "never"},
        {"name": "x", "scopes": [], "user_id": 1},
        {"name": "x", "scopes": [], "prefix": "chosenprefix"},
        {"name": "x", "scopes": [], "company_id": 1},
    ],
)
def test_what_is_not_as_it_should_be_is_refused(http: Any, register: Callable[..., Any], document: object) -> None:
    answer = http.post("/v1/api-keys", json=document, headers=register().headers)
    assert answer.status_code == 422
    assert answer.json["errors"]


def test_a_revoked_key_leaves_the_list_and_stays_to_be_seen(
    http: Any, register: Callable[..., Any], make: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann = register()
    made = make(ann)
    path = made.headers["Location"]
    assert http.delete(path, headers=ann.headers).status_code == 428
    assert http.delete(path, headers={**ann.headers, "If-Match": '"2"'}).status_code == 412
    assert http.delete(path, headers={**ann.headers, "If-Match": '"1"'}).status_code == 204
    assert http.get("/v1/api-keys", headers=ann.headers).json["data"] == []
    revoked = http.get("/v1/api-keys?revoked_at[is_null]=false", headers=ann.headers).json["data"]
    assert [key["id"] for key in revoked] == [made.json["id"]]
    assert http.get(path, headers=ann.headers).json["version"] == 2
    again = http.delete(path, headers={**ann.headers, "If-Match": '"2"'})
    assert (again.status_code, again.json["code"]) == (409, "api_key_revoked")
    turned_away = superuser.execute(
        "SELECT value FROM revocations WHERE kind = 'session' AND key = %s", (made.json["session_id"],)
    ).fetchall()
    assert turned_away == [(1,)]


def test_another_companys_keys_are_not_there(http: Any, register: Callable[..., Any], make: Callable[..., Any]) -> None:
    ann, ben = register(), register()
    path = make(ann).headers["Location"]
    assert http.get(path, headers=ben.headers).status_code == 404
    assert http.delete(path, headers={**ben.headers, "If-Match": '"1"'}).status_code == 404
    assert http.get("/v1/api-keys", headers=ben.headers).json["data"] == []


def test_making_and_revoking_publish_what_the_contracts_say_and_no_secret(
    *,
    http: Any,
    register: Callable[..., Any],
    make: Callable[..., Any],
    published: Callable[..., Any],
    contracts: Contracts,
    validate_event: Callable[[Any], None],
) -> None:
    ann = register()
    made = make(ann)
    http.delete(made.headers["Location"], headers={**ann.headers, "If-Match": '"1"'})
    events = {event["type"]: event for event in published(ann.company_id) if ".api_key." in event["type"]}
    assert list(events) == ["crm.api_key.created.v1", "crm.api_key.revoked.v1"]
    for name, event in events.items():
        validate_event(event)
        example = orjson.loads(contracts.example(name))
        assert event["data"]["after"].keys() == example["data"]["after"].keys()
    assert events["crm.api_key.revoked.v1"]["data"]["changed"] == ["revoked_at"]
    text = orjson.dumps(published(ann.company_id)).decode()
    secret = made.json["key"].split("_", 2)[2]
    assert secret not in text
    assert sha256(made.json["key"].encode()).hexdigest() not in text


def test_a_repetition_makes_no_second_key_and_shows_the_first_no_more(
    http: Any, register: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann = register()
    headers = {**ann.headers, "Idempotency-Key": "one-key"}
    body = {"name": "Nightly import", "scopes": []}
    made = http.post("/v1/api-keys", json=body, headers=headers)
    again = http.post("/v1/api-keys", json=body, headers=headers)
    assert (made.status_code, again.status_code, again.json["code"]) == (201, 409, "answer_not_kept")
    assert again.headers["Location"] == made.headers["Location"]
    other = http.post("/v1/api-keys", json={**body, "name": "Another"}, headers=headers)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    kept = superuser.execute(
        "SELECT body, headers::text FROM idempotency_keys WHERE company_id = %s", (ann.company_id,)
    ).fetchall()
    assert [bytes(body) for body, _ in kept] == [b""]
    assert made.json["key"] not in kept[0][1]
    assert len(http.get("/v1/api-keys", headers=ann.headers).json["data"]) == 1


def test_revoked_twice_at_once_it_is_revoked_once(
    register: Callable[..., Any],
    make: Callable[..., Any],
    side_by_side: Callable[..., Any],
    published: Callable[..., Any],
) -> None:
    ann = register()
    path = make(ann).headers["Location"]
    headers = {**ann.headers, "If-Match": '"1"'}
    answers = side_by_side([lambda http: http.delete(path, headers=headers) for _ in range(6)])
    assert sorted(answer.status_code for answer in answers) == [204] + [412] * 5
    types = [event["type"] for event in published(ann.company_id)]
    assert types.count("crm.api_key.revoked.v1") == 1
