"""Companies: what one says of itself, and what the platform's operators do to all of them."""

from collections.abc import Callable
from typing import Any

import orjson
import psycopg
import pytest

from chassis.testing.fixtures import Client
from identity.schemas.companies import CompanyOut, CompanySummaryOut

CURRENT = "/v1/companies/current"


@pytest.fixture
def operator(register: Any, superuser: psycopg.Connection, http: Any, log_in: Any) -> Any:
    """An operator of the platform, signed in to a company of their own."""
    zoe = register()
    superuser.execute("UPDATE users SET role = 'super_admin' WHERE id = %s", (zoe.user_id,))
    return Client(http, log_in(zoe.email).json["access_token"])


def test_the_current_company_is_the_one_of_the_token(admin: Any, ann: Any) -> None:
    answer = admin.get(CURRENT)
    assert answer.json == ann.answer["company"]
    assert answer.headers["ETag"] == '"1"'
    assert CompanyOut().validate(answer.json) == {}


def test_a_change_is_answered_and_told(admin: Any, ann: Any, published: Any) -> None:
    change = {"name": "Acme & Co", "city": "Rome", "company_size": None, "time_zone": "Europe/Rome"}
    answer = admin.patch(CURRENT, json=change, version=1)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert change.items() <= answer.json.items()
    event = published(ann.company_id)[-1]
    assert (event["type"], event["aggregateversion"]) == ("crm.company.updated.v1", 2)
    assert event["data"]["changed"] == ["name", "city", "time_zone"]
    assert event["data"]["after"] == answer.json
    assert admin.patch(CURRENT, json={"city": "Oslo"}, version=1).status_code == 412
    assert admin.patch(CURRENT, json={"city": "Oslo"}).status_code == 428


@pytest.mark.parametrize(
    "change", [{}, {"city": "Rome", "settings": {"visibility": "own"}}, {"settings": {}}, {"company_size": None}]
)
def test_a_change_to_what_is_there_already_is_none(admin: Any, ann: Any, published: Any, change: Any) -> None:
    there = admin.patch(CURRENT, json={"city": "Rome", "settings": {"visibility": "own"}}, version=1).json
    before = published(ann.company_id)
    answer = admin.patch(CURRENT, json=change, version=2)
    assert (answer.status_code, answer.json, answer.headers["ETag"]) == (200, there, '"2"')
    assert published(ann.company_id) == before
    assert admin.patch(CURRENT, json=change, version=1).status_code == 412


def test_settings_are_merged_key_by_key(admin: Any, ann: Any, superuser: psycopg.Connection) -> None:
    superuser.execute("""UPDATE companies SET settings = '{"of_later": 1}' WHERE id = %s""", (ann.company_id,))
    answer = admin.patch(CURRENT, json={"settings": {"visibility": "own"}}, version=1)
    assert answer.json["settings"] == {"of_later": 1, "visibility": "own"}
    assert admin.patch(CURRENT, json={"settings": {}}, version=2).json["settings"] == answer.json["settings"]


def test_the_rules_about_duplicates_are_kept_and_told(admin: Any, ann: Any, published: Any) -> None:
    rules = {
        "duplicate_weights": {"email": 100, "phone": 0},
        "duplicate_threshold": 75,
        "free_mail_domains": ["Freenet.DE", "xn--mnchen-3ya.example"],
    }
    assert admin.patch(CURRENT, json={"settings": rules}, version=1).json["settings"] == rules
    event = published(ann.company_id)[-1]
    assert (event["type"], event["data"]["after"]["settings"]) == ("crm.company.updated.v1", rules)
    # Of weights, the others do not stay: what is named is all that differs from everybody's.
    change = {"settings": {"duplicate_weights": {"name": 10}, "free_mail_domains": []}}
    after = admin.patch(CURRENT, json=change, version=2).json["settings"]
    assert after == {"duplicate_weights": {"name": 10}, "duplicate_threshold": 75, "free_mail_domains": []}


def test_another_visibility_ends_the_tokens_of_those_whom_it_concerns(
    admin: Any, ann: Any, hire: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    people = {role: hire(ann, role).user_id for role in ("admin", "manager", "sales_rep", "user")}

    def epochs() -> dict[str, int]:
        rows = superuser.execute(
            "SELECT id, token_epoch FROM users WHERE id = ANY (%s)", ([*people.values()],)
        ).fetchall()
        return {role: dict(rows)[user_id] for role, user_id in people.items()}

    before = epochs()
    assert admin.patch(CURRENT, json={"settings": {"visibility": "all"}}, version=1).status_code == 200
    assert epochs() == before
    assert admin.patch(CURRENT, json={"settings": {"visibility": "own"}}, version=2).status_code == 200
    after = epochs()
    assert {role for role in people if after[role] != before[role]} == {"sales_rep", "user"}
    noted = superuser.execute(
        "SELECT key, value FROM revocations WHERE kind = 'user' AND key = ANY (%s)",
        ([str(user_id) for user_id in people.values()],),
    ).fetchall()
    assert dict(noted) == {str(people[role]): after[role] for role in ("sales_rep", "user")}


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"settings": {"visibility": "none"}}, "/settings/visibility"),
        ({"settings": {"colour": "red"}}, "/settings/colour"),
        ({"settings": {"duplicate_weights": {"fax": 10}}}, "/settings/duplicate_weights/fax"),
        ({"settings": {"duplicate_weights": {"phone": 101}}}, "/settings/duplicate_weights/phone"),
        ({"settings": {"duplicate_weights": {"phone": -1}}}, "/settings/duplicate_weights/phone"),
        ({"settings": {"duplicate_weights": {"phone": 80.5}}}, "/settings/duplicate_weights/phone"),
        ({"settings": {"duplicate_weights": {"phone": "80"}}}, "/settings/duplicate_weights/phone"),
        ({"settings": {"duplicate_weights": {"phone": True}}}, "/settings/duplicate_weights/phone"),
        ({"settings": {"duplicate_weights": None}}, "/settings/duplicate_weights"),
        ({"settings": {"duplicate_threshold": 0}}, "/settings/duplicate_threshold"),
        ({"settings": {"duplicate_threshold": 101}}, "/settings/duplicate_threshold"),
        ({"settings": {"free_mail_domains": "gmail.com"}}, "/settings/free_mail_domains"),
        ({"settings": {"free_mail_domains": ["a.example", "ada@b.example"]}}, "/settings/free_mail_domains/1"),
        ({"settings": {"free_mail_domains": ["localhost"]}}, "/settings/free_mail_domains/0"),
        ({"settings": {"free_mail_domains": ["a\n.example"]}}, "/settings/free_mail_domains/0"),
        ({"settings": {"free_mail_domains": ["a.example"] * 101}}, "/settings/free_mail_domains"),
        ({"settings": None}, "/settings"),
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"default_currency": "eur"}, "/default_currency"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"region": "DEU"}, "/region"),
    ],
)
def test_a_wrong_value_is_refused_with_its_pointer(admin: Any, values: Any, pointer: str) -> None:
    answer = admin.patch(CURRENT, json=values, version=1)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]


def test_a_manager_sees_the_company_and_does_not_change_it(ann: Any, hire: Callable[..., Any]) -> None:
    bob = hire(ann, "manager")
    assert bob.client.get(CURRENT).status_code == 200
    assert bob.client.patch(CURRENT, json={"city": "Rome"}, version=1).status_code == 403


def test_everybody_lists_their_own_companies(
    admin: Any, ann: Any, register: Any, join: Any, superuser: psycopg.Connection
) -> None:
    ben, _ = register(), register()
    join(ann.user_id, ben.company_id, "manager")
    superuser.execute("UPDATE companies SET status = 'suspended' WHERE id = %s", (ben.company_id,))
    answer = admin.get("/v1/companies?include=total")
    rows = answer.json["data"]
    assert answer.json["page"]["total"] == 2
    assert [CompanySummaryOut().validate(row) for row in rows] == [{}, {}]
    shown = ("id", "status", "role", "member_status", "is_primary")
    assert [tuple(row[name] for name in shown) for row in rows] == [
        (ann.company_id, "active", "admin", "active", True),
        (ben.company_id, "suspended", "manager", "active", False),
    ]
    only = admin.get("/v1/companies?status=suspended&fields=id,role").json
    assert only["data"] == [{"id": ben.company_id, "role": "manager"}]
    assert admin.get("/v1/companies?status=suspended&status=active").status_code == 400


def test_an_operator_lists_all_companies_in_pages(operator: Any, register: Any, superuser: psycopg.Connection) -> None:
    ids = [register().company_id for _ in range(5)]
    superuser.execute("UPDATE companies SET status = 'inactive' WHERE id = ANY (%s)", (ids,))
    seen, path = [], "/v1/companies?limit=2&status=inactive"
    while path:
        answer = operator.get(path)
        seen += [row["id"] for row in answer.json["data"]]
        path = answer.headers["Link"].removeprefix("<").partition(">")[0] if answer.json["page"]["has_more"] else ""
    assert [company_id for company_id in seen if company_id in ids] == ids
    assert {row["role"] for row in answer.json["data"]} == {None}


def test_the_database_itself_shows_all_companies_to_operators_alone(
    ann: Any, register: Any, urls: Any, superuser: psycopg.Connection
) -> None:
    register()
    query = "SELECT count(*) FROM list_companies(%s, true, NULL, 0, 1000)"
    with psycopg.connect(urls.app) as connection:
        assert connection.execute(query, (ann.user_id,)).fetchone() == (1,)
    superuser.execute("UPDATE users SET role = 'super_admin' WHERE id = %s", (ann.user_id,))
    with psycopg.connect(urls.app) as connection:
        row = connection.execute(query, (ann.user_id,)).fetchone()
    superuser.execute("UPDATE users SET role = 'user' WHERE id = %s", (ann.user_id,))
    assert row is not None
    assert row[0] > 1


@pytest.mark.parametrize(
    "query",
    ["status=closed", "status[in]=active,suspended", "sort=name", "name=x", "limit=0", "fields=settings", "cursor=x"],
)
def test_an_unknown_question_is_refused(admin: Any, query: str) -> None:
    assert admin.get(f"/v1/companies?{query}").status_code == 400


def test_a_suspended_company_is_closed_to_its_members_and_opens_again(
    *, operator: Any, ann: Any, log_in: Any, refresh: Any, superuser: psycopg.Connection, register: Any, join: Any
) -> None:
    path = f"/v1/companies/{ann.company_id}"
    answer = operator.post(f"{path}/suspend")
    assert (answer.status_code, answer.json["status"], answer.headers["ETag"]) == (200, "suspended", '"2"')
    closed = "SELECT value FROM revocations WHERE kind = 'company' AND key = %s"
    assert superuser.execute(closed, (str(ann.company_id),)).fetchone() == (1,)
    assert log_in(ann.email).json["code"] == "company_suspended"
    assert refresh(ann.answer["refresh_token"]).json["code"] == "company_suspended"
    join(ann.user_id, register().company_id)
    answer = operator.post(f"{path}/activate")
    assert (answer.status_code, answer.json["status"], answer.headers["ETag"]) == (200, "active", '"3"')
    assert superuser.execute(closed, (str(ann.company_id),)).fetchone() == (0,)
    assert refresh(ann.answer["refresh_token"]).status_code == 200


def test_the_company_hears_who_closed_it(operator: Any, ann: Any, published: Any, claims: Any) -> None:
    operator.post(f"/v1/companies/{ann.company_id}/suspend")
    operator.post(f"/v1/companies/{ann.company_id}/activate")
    events = [event for event in published(ann.company_id) if event["type"].startswith("crm.company.")][1:]
    assert [event["type"] for event in events] == ["crm.company.suspended.v1", "crm.company.activated.v1"]
    assert {event["companyid"] for event in events} == {ann.company_id}
    assert {event["actor"] for event in events} == {claims(operator.token)["sub"]}
    assert [event["data"]["changed"] for event in events] == [["status"], ["status"]]


def test_what_is_so_already_is_a_conflict(operator: Any, ann: Any, published: Any) -> None:
    path = f"/v1/companies/{ann.company_id}"
    assert operator.post(f"{path}/activate").json["code"] == "company_already_active"
    operator.post(f"{path}/suspend")
    before = published(ann.company_id)
    answer = operator.post(f"{path}/suspend")
    assert (answer.status_code, answer.json["code"]) == (409, "company_already_suspended")
    assert published(ann.company_id) == before


def test_of_operators_who_suspend_at_once_one_does(operator: Any, ann: Any, side_by_side: Any, published: Any) -> None:
    path = f"/v1/companies/{ann.company_id}/suspend"
    answers = side_by_side([lambda http: Client(http, operator.token).post(path)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert [event["type"] for event in published(ann.company_id)].count("crm.company.suspended.v1") == 1


def test_an_operator_does_not_shut_themselves_out(operator: Any, claims: Any) -> None:
    own = claims(operator.token)["company_id"]
    assert operator.post(f"/v1/companies/{own}/suspend").json["code"] == "own_company"
    assert operator.post(f"/v1/companies/{2**62}/suspend").json["code"] == "company_not_found"


def test_an_admin_suspends_no_company(admin: Any, ann: Any, register: Any) -> None:
    for company_id in (ann.company_id, register().company_id):
        assert admin.post(f"/v1/companies/{company_id}/suspend").status_code == 403


def test_an_operators_next_idempotent_request_is_their_own_companys(
    operator: Any, ann: Any, superuser: psycopg.Connection, claims: Any
) -> None:
    """The transaction comes back from the company that it went to: the stored answer belongs to the operator's."""
    key = {"Idempotency-Key": f"suspend-{ann.company_id}"}
    first = operator.post(f"/v1/companies/{ann.company_id}/suspend", headers=key)
    again = operator.post(f"/v1/companies/{ann.company_id}/suspend", headers=key)
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (200, 200, "true")
    assert orjson.loads(again.data) == orjson.loads(first.data)
    row = superuser.execute("SELECT company_id FROM idempotency_keys WHERE key = %s", (key["Idempotency-Key"],))
    assert row.fetchall() == [(claims(operator.token)["company_id"],)]
