"""Members: listed, read, and changed by who may."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql

from chassis.context import Context, acting_as
from chassis.db.listing import Shape
from chassis.db.pages import _page
from chassis.testing.fixtures import DatabaseUrls
from identity.queries import directory
from identity.schemas.users import MemberNameOut, MemberOut

FIRST = {"version": 1}


def test_what_postgresql_answers_is_what_the_schema_says(admin: Any, ann: Any) -> None:
    document = admin.get(f"/v1/users/{ann.user_id}").json
    assert MemberOut().validate(document) == {}
    assert MemberOut().dump(MemberOut().load(document)) == document
    assert (document["id"], document["name"], document["role"]) == (ann.user_id, "Ann Smith", "admin")
    assert (document["status"], document["is_primary"], document["is_active"]) == ("active", True, True)


def test_everybody_is_told_the_names_of_all_and_nothing_else(
    ann: Any, hire: Callable[..., Any], register: Callable[..., Any], admin: Any
) -> None:
    stranger, bob, eve = register(), hire(ann, "user"), hire(ann, "sales_rep")
    assert admin.post(f"/v1/users/{eve.user_id}/suspend").status_code == 200
    rows = bob.client.get("/v1/members").json["data"]
    assert [MemberNameOut().validate(row) for row in rows] == [{}] * 3
    assert [set(row) for row in rows] == [{"id", "version", "name", "is_active"}] * 3
    assert {row["id"]: row["is_active"] for row in rows} == {ann.user_id: True, bob.user_id: True, eve.user_id: False}
    assert stranger.user_id not in {row["id"] for row in rows}
    few = bob.client.get(f"/v1/members?id[in]={ann.user_id},{stranger.user_id}&is_active=true").json["data"]
    assert [row["name"] for row in few] == ["Ann Smith"]
    assert bob.client.get("/v1/users").status_code == 403


def test_the_list_is_in_the_order_of_ids_and_pages_cover_everybody_once(
    admin: Any, ann: Any, hire: Callable[..., Any]
) -> None:
    everybody = [ann.user_id, *(hire(ann).user_id for _ in range(6))]
    seen, path = [], "/v1/users?limit=3"
    while path:
        answer = admin.get(path)
        seen += [row["id"] for row in answer.json["data"]]
        path = answer.headers["Link"].removeprefix("<").partition(">")[0] if answer.json["page"]["has_more"] else ""
    assert seen == everybody


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("role=sales_rep", ["bob"]),
        ("role[in]=admin,sales_rep", ["ann", "bob"]),
        ("status=active", ["ann"]),
        ("status[ne]=active", ["bob"]),
        ("email[contains]=BOB-", ["bob"]),
        ("name[contains]=b%20j", ["bob"]),
        ("name=Ann%20Smith", ["ann"]),
        ("name[contains]=%25", []),
    ],
)
def test_filters_look_at_the_user_and_at_the_membership(
    *, admin: Any, ann: Any, hire: Callable[..., Any], superuser: psycopg.Connection, query: str, found: list[str]
) -> None:
    bob = hire(ann, "sales_rep")
    superuser.execute("UPDATE user_companies SET status = 'suspended' WHERE user_id = %s", (bob.user_id,))
    ids = {"ann": ann.user_id, "bob": bob.user_id}
    answer = admin.get(f"/v1/users?{query}&include=total&fields=id")
    assert answer.json["data"] == [{"id": ids[name]} for name in found]
    assert answer.json["page"]["total"] == len(found)


def test_a_page_is_found_by_indexes_however_many_users_there_are(
    ann: Any, superuser: psycopg.Connection, urls: DatabaseUrls
) -> None:
    superuser.execute(
        """
        WITH others AS (
            INSERT INTO companies (name, email)
            SELECT 'X', 'x' || n || '-' || %(company)s || '@x.example' FROM generate_series(1, 400) n RETURNING id
        ), made AS (
            INSERT INTO users (email, password_hash, first_name, last_name)
            SELECT 'x' || n || '-' || %(company)s || '@x.example', '-', 'X', 'Y' FROM generate_series(1, 20000) n
            RETURNING id
        ), numbered AS (
            SELECT id, row_number() OVER (ORDER BY id) AS n FROM made
        ), places AS (
            SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM others
        )
        INSERT INTO user_companies (company_id, user_id, role)
        SELECT CASE WHEN u.n %% 40 = 0 THEN %(company)s ELSE p.id END, u.id, 'user'
        FROM numbered u JOIN places p ON p.n = u.n %% 400
        """,
        {"company": ann.company_id},
    )
    superuser.execute("ANALYZE users")
    superuser.execute("ANALYZE user_companies")
    page = _page(directory.MEMBERS, Shape(None, (), (("id", False),), 50, after=True))
    with acting_as(Context(company_id=ann.company_id)):
        values = page.bind({"k0": ann.user_id})
    with psycopg.connect(urls.app, options="-c plan_cache_mode=force_generic_plan", autocommit=True) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, false)", (str(ann.company_id),))
        connection.execute(b"PREPARE page AS " + page.numbered)
        given = sql.SQL(", ").join(sql.Literal(values[name]) for name in page.order)
        rows = connection.execute(sql.SQL("EXPLAIN (ANALYZE, TIMING OFF) EXECUTE page({})").format(given)).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert "Index Scan using uq_user_companies_company_id_user_id on user_companies" in plan
    assert "Index Scan using pk_users on users" in plan
    assert "Seq Scan" not in plan


def test_the_etag_is_the_version_of_the_membership(admin: Any, ann: Any) -> None:
    answer = admin.get(f"/v1/users/{ann.user_id}")
    assert answer.headers["ETag"] == '"1"'
    assert admin.get(f"/v1/users/{ann.user_id}", headers={"If-None-Match": '"1"'}).status_code == 304


def test_another_tenants_user_is_not_found_whatever_is_done_to_them(
    admin: Any, register: Callable[..., Any], published: Callable[..., Any]
) -> None:
    ben = register()
    before = published(ben.company_id)
    path = f"/v1/users/{ben.user_id}"
    answers = [
        admin.get(path),
        admin.patch(path, json={"first_name": "Eve"}, version=1),
        admin.patch(path, json={"role": "user"}, version=1),
        admin.delete(path, version=1),
        admin.post(f"{path}/suspend"),
        admin.post(f"{path}/activate"),
        admin.post(f"{path}/deactivate", json={}),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "user_not_found")] * 7
    assert published(ben.company_id) == before


def test_anybody_changes_their_own_profile_and_finds_its_version_in_me(
    ann: Any, hire: Callable[..., Any], published: Callable[..., Any]
) -> None:
    bob = hire(ann)
    version = bob.client.get("/v1/auth/me").json["membership"]["version"]
    changed = bob.client.patch(bob.path, json={"first_name": "Bobby", "phone": "+1-555-0199"}, version=version)
    assert changed.status_code == 200, changed.json
    assert (changed.json["name"], changed.json["phone"]) == ("Bobby Jones", "+1-555-0199")
    assert changed.headers["ETag"] == f'"{version + 1}"'
    user, member = published(ann.company_id)[-2:]
    assert (user["type"], user["data"]["changed"]) == ("crm.user.updated.v1", ["first_name", "name", "phone"])
    assert (member["type"], member["data"]["changed"]) == ("crm.user_company.updated.v1", ["user"])
    assert member["data"]["before"]["user"]["first_name"] == "Bob"
    assert member["data"]["after"]["user"]["first_name"] == "Bobby"


@pytest.mark.parametrize(
    "values",
    [{}, {"first_name": "Bob"}, {"role": "user"}, {"role": "user", "permissions": None, "last_name": "Jones"}],
)
def test_a_change_to_what_is_there_already_is_none(
    admin: Any, ann: Any, hire: Callable[..., Any], published: Callable[..., Any], *, values: Any
) -> None:
    bob = hire(ann, "user")
    there, before = admin.get(bob.path).json, published(ann.company_id)
    answer = admin.patch(bob.path, json=values, version=1)
    assert (answer.status_code, answer.json, answer.headers["ETag"]) == (200, there, '"1"')
    assert published(ann.company_id) == before
    assert bob.client.get("/v1/auth/me").status_code == 200
    assert admin.patch(bob.path, json=values, version=2).status_code == 412


@pytest.mark.parametrize("values", [{"first_name": "Eve"}, {"role": "user"}, {"permissions": None}])
def test_nobody_without_users_write_changes_others_or_roles(ann: Any, hire: Callable[..., Any], values: Any) -> None:
    bob, eve = hire(ann), hire(ann)
    assert bob.client.patch(eve.path, json=values, version=1).json["code"] == "permission_missing"
    if "first_name" not in values:
        assert bob.client.patch(bob.path, json=values, version=1).status_code == 403


def test_an_admin_changes_the_profile_of_who_works_for_them_alone(
    admin: Any, ann: Any, hire: Callable[..., Any], register: Callable[..., Any], join: Callable[..., Any]
) -> None:
    bob = hire(ann)
    assert admin.patch(bob.path, json={"last_name": "Miller"}, version=1).json["name"] == "Bob Miller"
    ben = register()
    join(bob.user_id, ben.company_id)
    refused = admin.patch(bob.path, json={"last_name": "Jones"}, version=2)
    assert (refused.status_code, refused.json["code"]) == (403, "profile_is_their_own")
    assert bob.client.patch(bob.path, json={"last_name": "Jones"}, version=2).json["name"] == "Bob Jones"


def test_a_profile_changes_in_every_company_of_its_user(
    ann: Any, register: Callable[..., Any], join: Callable[..., Any], client_of: Any, published: Callable[..., Any]
) -> None:
    ben = register()
    join(ann.user_id, ben.company_id)
    answer = client_of(ann).patch(f"/v1/users/{ann.user_id}", json={"avatar": "https://x.example/a.png"}, version=1)
    assert answer.status_code == 200
    event = published(ben.company_id)[-1]
    assert event["type"] == "crm.user_company.updated.v1"
    assert (event["companyid"], event["actor"], event["aggregateversion"]) == (ben.company_id, str(ann.user_id), 2)
    assert event["data"]["after"]["user"]["avatar"] == "https://x.example/a.png"
    assert [e["type"] for e in published(ben.company_id)].count("crm.user.updated.v1") == 0
    assert client_of(ben).get(f"/v1/users/{ann.user_id}").headers["ETag"] == '"2"'


def test_every_company_of_a_user_hears_that_their_address_is_verified(
    *, ann: Any, register: Any, join: Any, http: Any, letters: Any, token_of: Any, published: Any
) -> None:
    ben = register()
    join(ann.user_id, ben.company_id)
    assert http.post("/v1/auth/email/verify", json={"token": token_of(letters(ann.email)[0])}).status_code == 204
    verified, here = published(ann.company_id)[-2:]
    assert (verified["type"], verified["data"]["changed"]) == ("crm.user.verified.v1", ["is_verified"])
    for event in (here, published(ben.company_id)[-1]):
        assert event["type"] == "crm.user_company.updated.v1"
        assert event["data"]["after"]["user"]["is_verified"] is True


def test_a_change_needs_the_current_version(admin: Any, ann: Any, hire: Callable[..., Any]) -> None:
    bob = hire(ann)
    assert admin.patch(bob.path, json={"role": "manager"}).status_code == 428
    assert admin.patch(bob.path, json={"role": "manager"}, version=2).headers["ETag"] == '"1"'
    assert admin.patch(bob.path, json={"role": "manager"}, version=1).status_code == 200
    assert admin.delete(bob.path, version=1).status_code == 412


def test_a_new_role_and_permissions_reach_the_next_token_and_end_the_old(
    *, admin: Any, ann: Any, hire: Callable[..., Any], log_in: Any, claims: Any, superuser: psycopg.Connection
) -> None:
    bob = hire(ann)
    body = {"role": "sales_rep", "permissions": {"grant": ["audit:read", "audit:read"], "revoke": ["customers:write"]}}
    changed = admin.patch(bob.path, json=body, version=1)
    assert changed.json["permissions"] == {"grant": ["audit:read"], "revoke": ["customers:write"]}
    before, after = claims(bob.client.token), claims(log_in(bob.email).json["access_token"])
    revoked = superuser.execute(
        "SELECT value FROM revocations WHERE kind = 'user' AND key = %s", (str(bob.user_id),)
    ).fetchone()
    assert before["ver"] < after["ver"]
    assert revoked == (after["ver"],)
    assert after["role"] == "sales_rep"
    assert {"audit:read", "customers:read"} <= set(after["scope"].split())
    assert "customers:write" not in after["scope"].split()
    assert admin.patch(bob.path, json={"permissions": None}, version=2).json["permissions"] is None


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"role": "super_admin"}, "/role"),
        ({"role": "owner"}, "/role"),
        ({"permissions": {"grant": ["platform:companies"]}}, "/permissions/grant/0"),
        ({"permissions": {"grant": ["account:write"]}}, "/permissions/grant/0"),
        ({"permissions": {"grant": ["everything"]}}, "/permissions/grant/0"),
        ({"permissions": {"revoke": "users:write"}}, "/permissions/revoke"),
        ({"permissions": {"give": []}}, "/permissions/give"),
        ({"first_name": ""}, "/first_name"),
        ({"last_name": None}, "/last_name"),
        ({"phone": "\x00"}, "/phone"),
        ({"avatar": "x" * 501}, "/avatar"),
    ],
)
def test_a_wrong_value_is_refused_with_its_pointer_and_changes_nothing(
    admin: Any, ann: Any, hire: Callable[..., Any], values: Any, pointer: str
) -> None:
    bob = hire(ann)
    answer = admin.patch(bob.path, json=values, version=1)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]
    assert admin.get(bob.path).headers["ETag"] == '"1"'


def test_a_rollback_leaves_no_trace_of_a_change(
    admin: Any, ann: Any, hire: Callable[..., Any], published: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    """The role is written first and the profile refused after it."""
    bob = hire(ann)
    superuser.execute("INSERT INTO companies (id, name, email) VALUES (%s, 'X', %s)", (bob.user_id + 10**9, bob.email))
    superuser.execute(
        "INSERT INTO user_companies (company_id, user_id, role) VALUES (%s, %s, 'user')",
        (bob.user_id + 10**9, bob.user_id),
    )
    answer = admin.patch(bob.path, json={"role": "manager", "first_name": "Eve"}, version=1)
    assert answer.json["code"] == "profile_is_their_own"
    assert "crm.user_company.updated.v1" not in [event["type"] for event in published(ann.company_id)]
    assert admin.get(bob.path).json["role"] == "user"


@pytest.mark.parametrize("query", ["email={}", "email[in]={},nobody@acme.example"])
def test_a_member_is_found_by_an_address_in_any_case(register: Any, client_of: Any, hire: Any, query: str) -> None:
    ann = register()
    bob = hire(ann)
    found = client_of(ann).get(f"/v1/users?{query.format(bob.email.upper())}")
    assert [member["id"] for member in found.json["data"]] == [bob.user_id]
