"""Purged: nothing of the person is left, nothing of them is told, and nobody is purged who may not be."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
import psycopg
import pytest

from chassis.service import load
from chassis.testing.fixtures import Client
from chassis.web.application import ServiceApplication
from identity.app import SERVICE
from identity.routes.users import PURGING

NOBODY = 2**62


@pytest.fixture
def left(superuser: psycopg.Connection) -> Any:
    """The tables in which a text stands anywhere, those aside that hold what is on its way to others."""

    def search(text: str) -> set[str]:
        tables = superuser.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        found = set()
        for (table,) in tables:
            query = f"SELECT 1 FROM {table} t WHERE t::text ILIKE %s LIMIT 1"  # noqa: S608  # Names of the catalogue.
            if superuser.execute(query, (f"%{text}%",)).fetchone():
                found.add(table)
        return found - {"outbox"}

    return search


@pytest.fixture
def leave(admin: Client) -> Any:
    """Deactivate a member and purge them; answers the answer."""

    def go(member: Any, **values: Any) -> Any:
        assert admin.post(f"{member.path}/deactivate", json={}).status_code == 200
        version = admin.get(member.path).json["version"]
        return admin.post(f"{member.path}/purge", json=values, version=version)

    return go


def test_nothing_is_left_of_who_worked_for_this_company_alone(
    *, ann: Any, admin: Client, hire: Any, leave: Any, left: Any, log_in: Any, superuser: Any, http: Any
) -> None:
    bob = hire(ann, "admin")
    key = {"name": f"Key of {bob.email}", "scopes": []}
    assert bob.client.post("/v1/api-keys", json=key, headers={"Idempotency-Key": "k"}).status_code == 201
    http.post("/v1/auth/password/forgot", json={"email": bob.email})
    assert log_in(bob.email, "wrong password").status_code == 401
    superuser.execute(
        "INSERT INTO mails (company_id, recipient, subject, body) VALUES (%s, %s, 'Hello', 'x')",
        (ann.company_id, bob.email.upper()),
    )
    assert left(bob.email) >= {"users", "api_keys", "mails", "login_attempts"}
    assert leave(bob, transfer_to=ann.user_id).status_code == 204
    assert left(bob.email) == set()
    tables = ("user_companies", "sessions", "one_time_tokens", "api_keys", "security_events")
    for table in tables:
        query = f"SELECT 1 FROM {table} WHERE user_id = %s"  # noqa: S608  # Names of this test.
        assert superuser.execute(query, (bob.user_id,)).fetchone() is None, table
    assert bob.client.get("/v1/auth/me").status_code == 401
    assert log_in(bob.email).json["code"] == "invalid_credentials"
    assert admin.get(bob.path).status_code == 404
    assert admin.post(f"{bob.path}/purge", json={}, version=3).status_code == 404


def test_what_is_told_of_the_purge_holds_no_person(
    *, ann: Any, hire: Any, leave: Any, published: Any, validate_event: Any
) -> None:
    bob, eve = hire(ann), hire(ann)
    assert leave(bob, transfer_to=eve.user_id, activities="delete").status_code == 204
    member, user = (event for event in published(ann.company_id) if ".purged." in event["type"])
    for event in (member, user):
        validate_event(event)
        assert bob.email not in orjson.dumps(event).decode()
        assert "Bob" not in orjson.dumps(event).decode()
        assert event["actor"] == str(ann.user_id)
    assert member["type"] == "crm.user_company.purged.v1"
    assert member["aggregateversion"] == 3
    assert member["data"]["before"]["user_id"] == bob.user_id
    assert {name: member["data"][name] for name in ("after", "transfer_to", "activities")} == {
        "after": None,
        "transfer_to": eve.user_id,
        "activities": "delete",
    }
    assert (user["type"], user["subject"]) == ("crm.user.purged.v1", f"users/{bob.user_id}")


def test_who_works_elsewhere_too_loses_this_company_alone(
    *, ann: Any, hire: Any, register: Any, join: Any, leave: Any, log_in: Any, published: Any, superuser: Any
) -> None:
    bob, ben = hire(ann), register()
    join(bob.user_id, ben.company_id)
    assert leave(bob, transfer_to=ann.user_id).status_code == 204
    assert log_in(bob.email).status_code == 200
    rows = superuser.execute("SELECT company_id, is_primary FROM user_companies WHERE user_id = %s", (bob.user_id,))
    assert rows.fetchall() == [(ben.company_id, True)]
    purged = [event["type"] for event in published(ann.company_id) if ".purged." in event["type"]]
    assert purged == ["crm.user_company.purged.v1"]
    (told,) = [event for event in published(ben.company_id) if event["type"] == "crm.user_company.updated.v1"]
    assert told["data"]["changed"] == ["is_primary"]


def test_invitations_and_letters_to_the_address_go_with_the_member(
    *, ann: Any, admin: Client, letters: Any, token_of: Any, http: Any, left: Any
) -> None:
    email = f"nora-{ann.company_id}@acme.example"
    assert admin.post("/v1/invitations", json={"email": email, "role": "user"}).status_code == 201
    body = {"token": token_of(letters(email)[0]), "first_name": "Nora", "last_name": "New"}
    joined = http.post("/v1/invitations/accept", json={**body, "password": "correct horse battery"}).json
    path = f"/v1/users/{joined['member']['id']}"
    admin.post(f"{path}/deactivate", json={})
    assert admin.post(f"{path}/purge", json={"transfer_to": ann.user_id}, version=2).status_code == 204
    assert left(email) == set()


@pytest.mark.parametrize("status", ["active", "suspended"])
def test_only_who_was_deactivated_before_is_purged(ann: Any, admin: Client, hire: Any, status: str) -> None:
    bob = hire(ann)
    if status == "suspended":
        admin.post(f"{bob.path}/suspend")
    version = admin.get(bob.path).json["version"]
    answer = admin.post(f"{bob.path}/purge", json={}, version=version)
    assert (answer.status_code, answer.json["code"]) == (409, "member_not_deactivated")
    assert admin.get(bob.path).json["status"] == status


def test_nobody_purges_themselves(ann: Any, admin: Client) -> None:
    answer = admin.post(f"/v1/users/{ann.user_id}/purge", json={}, version=1)
    assert (answer.status_code, answer.json["code"]) == (409, "own_membership")


def test_the_last_admin_stays(ann: Any, admin: Client, hire: Any) -> None:
    bob = hire(ann, "manager", {"grant": ["users:purge", "users:write"], "revoke": []})
    answer = bob.client.post(f"/v1/users/{ann.user_id}/deactivate", json={})
    assert (answer.status_code, answer.json["code"]) == (409, "last_admin")
    answer = bob.client.post(f"/v1/users/{ann.user_id}/purge", json={}, version=1)
    assert answer.status_code in {403, 409}
    assert admin.get(f"/v1/users/{ann.user_id}").json["status"] == "active"


def test_nobody_purges_who_may_do_more(ann: Any, admin: Client, hire: Any) -> None:
    eve = hire(ann, "admin")
    bob = hire(ann, "manager", {"grant": ["users:purge"], "revoke": []})
    admin.post(f"{eve.path}/deactivate", json={})
    answer = bob.client.post(f"{eve.path}/purge", json={}, version=2)
    assert (answer.status_code, answer.json["code"]) == (403, "member_outranks")


@pytest.mark.parametrize("who", ["themselves", "a stranger", "a suspended member", "nobody"])
def test_records_go_to_another_active_member_alone(
    *, ann: Any, admin: Client, hire: Any, register: Any, leave: Any, who: str
) -> None:
    bob, eve = hire(ann), hire(ann)
    if who == "a suspended member":
        admin.post(f"{eve.path}/suspend")
    target = {
        "themselves": bob.user_id,
        "a stranger": register().user_id,
        "a suspended member": eve.user_id,
        "nobody": NOBODY,
    }[who]
    answer = leave(bob, transfer_to=target)
    assert (answer.status_code, answer.json["code"]) == (422, "inactive_user")
    assert [fault["pointer"] for fault in answer.json["errors"]] == ["/transfer_to"]
    assert admin.get(bob.path).status_code == 200


def test_the_version_that_was_seen_is_demanded(ann: Any, admin: Client, hire: Any) -> None:
    bob = hire(ann)
    admin.post(f"{bob.path}/deactivate", json={})
    assert admin.post(f"{bob.path}/purge", json={}).status_code == 428
    answer = admin.post(f"{bob.path}/purge", json={"transfer_to": ann.user_id}, version=1)
    assert (answer.status_code, answer.headers["ETag"]) == (412, '"2"')


def test_another_companys_member_is_not_found(hire: Any, register: Any, admin: Client) -> None:
    stranger = hire(register())
    assert admin.post(f"{stranger.path}/purge", json={}, version=1).status_code == 404


def test_without_an_answer_of_the_tasks_service_nobody_goes(ann: Any, admin: Client, hire: Any, leave: Any) -> None:
    bob = hire(ann)
    answer = leave(bob)
    assert (answer.status_code, answer.json["code"]) == (503, "reference_unavailable")
    assert admin.get(bob.path).json["status"] == "deactivated"


def test_of_two_purges_at_once_one_finds_nobody(
    *, ann: Any, admin: Client, hire: Any, side_by_side: Any, published: Any
) -> None:
    bob = hire(ann)
    admin.post(f"{bob.path}/deactivate", json={})

    def purge(http: Any) -> int:
        client = Client(http, admin.token)
        answer = client.post(f"{bob.path}/purge", json={"transfer_to": ann.user_id}, version=2)
        return int(answer.status_code)

    assert sorted(side_by_side([purge, purge])) == [204, 404]
    assert [event["type"] for event in published(ann.company_id) if ".purged." in event["type"]] == [
        "crm.user_company.purged.v1",
        "crm.user.purged.v1",
    ]


def test_a_purge_that_is_rolled_back_leaves_everything(
    *, ann: Any, admin: Client, hire: Any, published: Any, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = hire(ann)
    admin.post(f"{bob.path}/deactivate", json={})
    superuser.execute("ALTER TABLE outbox ADD CONSTRAINT no_purge CHECK (type <> 'crm.user.purged.v1') NOT VALID")
    try:
        answer = admin.post(f"{bob.path}/purge", json={"transfer_to": ann.user_id}, version=2)
    finally:
        superuser.execute("ALTER TABLE outbox DROP CONSTRAINT no_purge")
    assert answer.status_code >= 400
    assert admin.get(bob.path).json["status"] == "deactivated"
    assert not [event for event in published(ann.company_id) if ".purged." in event["type"]]


def test_while_the_tasks_service_is_down_nobody_goes_without_an_heir(
    *, settings: Any, database: Any, app: Any, ann: Any, admin: Client, hire: Any
) -> None:
    apart = replace(settings, service_urls="tasks=http://127.0.0.1:9", service_key="k" * 32)
    asking = ServiceApplication(SERVICE, apart, database)
    asking.verifier = app.verifier
    bob = hire(ann)
    admin.post(f"{bob.path}/deactivate", json={})
    answer = Client(asking.test_client(), admin.token).post(f"{bob.path}/purge", json={}, version=2)
    assert (answer.status_code, answer.json["code"]) == (503, "reference_unavailable")
    assert answer.headers["Retry-After"]
    assert admin.get(bob.path).json["status"] == "deactivated"


def test_how_far_a_purge_is_says_who_was_purged_by_whom_and_who_does_not_answer(
    *, ann: Any, admin: Client, hire: Any, leave: Any
) -> None:
    bob, eve = hire(ann), hire(ann)
    assert admin.get(f"{bob.path}/purge").json["code"] == "purge_not_found"
    assert leave(bob, transfer_to=eve.user_id, activities="delete").status_code == 204
    answer = admin.get(f"{bob.path}/purge")
    assert answer.status_code == 200
    told = answer.json
    assert datetime.fromisoformat(told.pop("created_at")).tzinfo is not None
    # Nobody has told this identity where the other services are.
    silent = {"state": "unreachable", "changed": None, "finished_at": None}
    assert told == {
        "user_id": bob.user_id,
        "transfer_to": eve.user_id,
        "activities": "delete",
        "created_by": ann.user_id,
        "state": "working",
        "services": [{"service": name, **silent} for name in ("customers", "pipeline", "tasks")],
    }


def test_of_who_was_purged_twice_the_newest_purge_is_told(
    *, ann: Any, admin: Client, hire: Any, join: Any, leave: Any, register: Any
) -> None:
    bob = hire(ann)
    join(bob.user_id, register().company_id)
    assert leave(bob, transfer_to=ann.user_id).status_code == 204
    join(bob.user_id, ann.company_id)
    assert leave(bob, transfer_to=ann.user_id, activities="delete").status_code == 204
    assert admin.get(f"{bob.path}/purge").json["activities"] == "delete"


def test_another_companys_purge_is_not_found(
    *, admin: Client, hire: Any, register: Any, client_of: Any, superuser: Any
) -> None:
    ben = register()
    superuser.execute(
        "INSERT INTO member_purges (company_id, user_id, activities, event_id)"
        " VALUES (%s, %s, 'keep', gen_random_uuid())",
        (ben.company_id, ben.user_id),
    )
    assert admin.get(f"/v1/users/{ben.user_id}/purge").status_code == 404


def test_whoever_holds_records_of_members_is_asked_about_purges() -> None:
    holding = {
        name for name in ("customers", "pipeline", "tasks", "audit") if "user_purges" in load(name).metadata.tables
    }
    assert holding == set(PURGING)
