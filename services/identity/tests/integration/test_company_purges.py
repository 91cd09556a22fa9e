"""A company that goes for good: asked for twice over, at an end at once, and its people with it who work nowhere else."""

from collections.abc import Callable
from threading import Event as Flag
from typing import Any

import orjson
import psycopg
import pytest

from chassis.context import Context, acting_as
from chassis.db import company_purges
from chassis.db.company_purges import CompanyPurges
from chassis.db.session import Database
from chassis.healing.healer import Healer
from chassis.healing.known import Known
from chassis.testing.fixtures import Client, DatabaseUrls
from chassis.testing.purges import let_purge_settle
from identity.app import SERVICE
from identity.commands.healing import _close_companies
from identity.operators import kinds_to_heal

PURGES = CompanyPurges(SERVICE.metadata, SERVICE.purge_steps)
NAME = "Acme Corporation"


@pytest.fixture
def purge(admin: Client, ann: Any) -> Callable[..., Any]:
    """Ask for it as the founder; answers the answer."""

    def ask(*, by: Client = admin, version: int | None = 1, **changes: Any) -> Any:
        body = {"name": NAME, "current_password": ann.password} | changes
        given = {} if version is None else {"version": version}
        return by.post("/v1/companies/current/purge", json=body, **given)

    return ask


@pytest.fixture
def finish(database: Database, superuser: psycopg.Connection) -> Callable[[int], None]:
    """Have the worker delete all, with nothing under way any more."""

    def work(company_id: int) -> None:
        let_purge_settle(superuser, company_id)
        PURGES.work(database, Flag())
        with acting_as(Context(company_id=company_id)), database.session() as session:
            assert company_purges.state(session)["state"] == "done"

    return work


@pytest.fixture
def closed(superuser: psycopg.Connection) -> Callable[[int], bool]:
    """Whether the gateways are told to refuse a company's tokens."""

    def look(company_id: int) -> bool:
        query = "SELECT value FROM revocations WHERE kind = 'company' AND key = %s"
        return superuser.execute(query, (str(company_id),)).fetchone() == (1,)

    return look


def test_everybody_is_kept_out_at_once(
    *, ann: Any, admin: Client, hire: Any, purge: Any, log_in: Any, refresh: Any, http: Any, letters: Any,
    token_of: Any, closed: Any,
) -> None:  # fmt: skip
    bob = hire(ann)
    key = admin.post("/v1/api-keys", json={"name": "Nightly", "scopes": ["customers:read"]}).json
    invited = f"nora-{ann.company_id}@acme.example"
    assert admin.post("/v1/invitations", json={"email": invited, "role": "user"}).status_code == 201
    letter = {"token": token_of(letters(invited)[0]), "first_name": "Nora", "last_name": "New"}
    assert not closed(ann.company_id)
    assert purge().status_code == 202
    assert closed(ann.company_id)
    for email in (ann.email, bob.email):
        assert log_in(email).json["code"] == "company_inactive"
    assert refresh(ann.answer["refresh_token"]).status_code in {401, 403}
    form = {"grant_type": "client_credentials", "client_id": key["prefix"], "client_secret": key["key"]}
    assert http.post("/v1/auth/token", data=form).status_code in {400, 401}
    answer = http.post("/v1/invitations/accept", json={**letter, "password": "correct horse battery"})
    assert (answer.status_code, answer.json["code"]) == (403, "company_inactive")


def test_nothing_of_it_is_left_and_nobody_who_worked_nowhere_else(
    *, ann: Any, hire: Any, register: Any, purge: Any, finish: Any, superuser: psycopg.Connection, log_in: Any
) -> None:
    bob, ben = hire(ann), register()
    assert purge().status_code == 202
    finish(ann.company_id)
    for user_id in (ann.user_id, bob.user_id):
        assert superuser.execute("SELECT 1 FROM users WHERE id = %s", (user_id,)).fetchone() is None
    assert superuser.execute("SELECT 1 FROM companies WHERE id = %s", (ann.company_id,)).fetchone() is None
    assert log_in(bob.email).json["code"] == "invalid_credentials"
    assert log_in(ben.email).status_code == 200


def test_who_works_elsewhere_too_goes_on_there(
    *, ann: Any, hire: Any, register: Any, join: Any, purge: Any, finish: Any, log_in: Any, superuser: Any,
    published: Any,
) -> None:  # fmt: skip
    bob, ben = hire(ann), register()
    join(bob.user_id, ben.company_id)
    join(ben.user_id, ann.company_id)
    assert purge().status_code == 202
    # At once, and not only when the worker has been there.
    assert log_in(bob.email, company_id=ben.company_id).status_code == 200
    finish(ann.company_id)
    for member in (bob, ben):
        rows = superuser.execute(
            "SELECT company_id, is_primary FROM user_companies WHERE user_id = %s", (member.user_id,)
        )
        assert rows.fetchall() == [(ben.company_id, True)]
        assert log_in(member.email).status_code == 200
    (told,) = [event for event in published(ben.company_id) if event["type"] == "crm.user_company.updated.v1"]
    assert (told["data"]["changed"], told["actor"]) == (["is_primary"], str(ann.user_id))


def test_one_event_tells_of_it_and_holds_nothing_of_the_company(
    ann: Any, purge: Any, finish: Any, published: Any, validate_event: Any
) -> None:
    assert purge().status_code == 202
    told = published(ann.company_id)[-1]
    validate_event(told)
    text = orjson.dumps(told).decode()
    assert told["type"] == "crm.company.purged.v1"
    assert (told["actor"], told["aggregateversion"], told["data"]["after"]) == (str(ann.user_id), 2, None)
    assert NAME not in text
    assert ann.answer["company"]["email"] not in text
    finish(ann.company_id)
    # It goes out however late the broker is reached again; whatever was not out yet does not.
    assert published(ann.company_id) == [told]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"name": "Acme"}, 422, "wrong_name"),
        ({"current_password": "wrong horse battery"}, 422, "wrong_password"),
        ({"version": 2}, 412, "stale_version"),
        ({"version": None}, 428, "if_match_required"),
    ],
)
def test_it_has_to_be_meant(
    *, ann: Any, admin: Client, purge: Any, closed: Any, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = purge(**changes)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert admin.get("/v1/companies/current").json["version"] == 1
    assert not closed(ann.company_id)


@pytest.mark.parametrize(
    ("role", "permissions"),
    [("manager", None), ("admin", {"revoke": ["companies:purge"], "grant": []})],
)
def test_only_an_admin_may(ann: Any, hire: Any, purge: Any, role: str, permissions: Any) -> None:
    bob = hire(ann, role, permissions)
    assert purge(by=bob.client, current_password="correct horse battery").status_code == 403


def test_who_is_an_admin_no_longer_is_refused_though_the_token_says_so(
    ann: Any, hire: Any, purge: Any, superuser: psycopg.Connection, closed: Any
) -> None:
    bob = hire(ann, "admin")
    superuser.execute("UPDATE user_companies SET role = 'manager' WHERE user_id = %s", (bob.user_id,))
    assert purge(by=bob.client, current_password="correct horse battery").json["code"] == "permission_missing"
    assert not closed(ann.company_id)


def test_nobody_tries_out_passwords_on_it(purge: Any) -> None:
    codes = [purge(current_password="wrong horse battery").status_code for _ in range(12)]
    assert 429 in codes
    assert set(codes) <= {422, 429}


def test_no_operator_brings_it_back(
    *, ann: Any, register: Any, purge: Any, superuser: Any, http: Any, log_in: Any, closed: Any, finish: Any
) -> None:
    ben = register()
    superuser.execute("UPDATE users SET role = 'super_admin' WHERE id = %s", (ben.user_id,))
    operator = Client(http, log_in(ben.email).json["access_token"])
    assert operator.get(f"/v1/companies/{ann.company_id}/purge").json["code"] == "purge_not_found"
    assert purge().status_code == 202
    answer = operator.post(f"/v1/companies/{ann.company_id}/activate")
    assert (answer.status_code, answer.json["code"]) == (409, "company_purged")
    assert closed(ann.company_id)
    finish(ann.company_id)
    assert operator.post(f"/v1/companies/{ann.company_id}/activate").status_code == 404
    assert closed(ann.company_id)


def test_no_member_of_a_company_that_goes_on_is_purged_like_that(
    ann: Any, hire: Any, database: Database, superuser: psycopg.Connection
) -> None:
    bob = hire(ann)
    with acting_as(Context(company_id=ann.company_id)), database.session() as session:
        with pytest.raises(psycopg.errors.RaiseException):
            SERVICE.purge_steps[0](session)
        session.rollback()
    assert superuser.execute("SELECT 1 FROM users WHERE id = %s", (bob.user_id,)).fetchone()


def test_an_identity_that_was_restored_purges_it_again(
    *, ann: Any, register: Any, urls: DatabaseUrls, finish: Any, superuser: psycopg.Connection, closed: Any
) -> None:
    ben = register()
    (unknown,) = superuser.execute("SELECT nextval('companies_id_seq')").fetchone() or (None,)
    # As the backup has them; the log knows that one of them was purged since, and of one that was made since besides.
    known = [
        Known(company, "companies", company, 2, "crm.company.purged.v1", ("purged",), removed=True, document={})
        for company in (ann.company_id, unknown)
    ]
    owner = Database(urls.owner)
    try:
        for _ in range(2):
            healed = Healer(owner, "identity", kinds_to_heal("x"), keep="latest").run(known)
            assert healed.left == []
            _close_companies(owner, known)
            finish(ann.company_id)
    finally:
        owner.dispose()
    assert closed(ann.company_id)
    for table, number in (("companies", ann.company_id), ("users", ann.user_id)):
        query = f"SELECT 1 FROM {table} WHERE id = %s"  # noqa: S608  # Names from above.
        assert superuser.execute(query, (number,)).fetchone() is None
    assert superuser.execute("SELECT 1 FROM companies WHERE id = %s", (ben.company_id,)).fetchone()


def test_other_services_are_not_told_of_it_any_more(
    ann: Any, purge: Any, app: Any, settings: Any, database: Any
) -> None:
    def listed() -> set[int]:
        with acting_as(Context()), database.session() as session:
            return {row[0] for row in session.writer.open_connection().execute("SELECT company_ids(0, 1000000)")}

    assert ann.company_id in listed()
    assert purge().status_code == 202
    assert ann.company_id not in listed()
