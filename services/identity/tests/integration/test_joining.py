"""Accepting an invitation: once, by who got its letter, as a new user or with one's own password."""

from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client
from identity.passwords import OF_NETWORK
from identity.schemas.invitations import JoinedOut

NEW = {"first_name": "Nora", "last_name": "New", "password": "correct horse battery"}
OWN = {"password": "correct horse battery"}


@pytest.fixture
def invite(client_of: Any, letters: Any, token_of: Any) -> Any:
    """Invite an address to a company; the token from the letter."""

    def make(company: Any, email: str, **values: Any) -> Any:
        body = {"email": email, "role": "sales_rep", **values}
        answer = client_of(company).post("/v1/invitations", json=body)
        assert answer.status_code == 201, answer.json
        return token_of(letters(email)[-1])

    return make


@pytest.fixture
def accept(http: Any) -> Any:
    def send(token: str, body: Any) -> Any:
        return http.post("/v1/invitations/accept", json={"token": token, **body})

    return send


@pytest.fixture
def email(ann: Any) -> Any:
    return f"Nora.{ann.company_id}@acme.example"


def test_a_new_user_joins_with_names_and_a_password(
    *, ann: Any, email: str, invite: Any, accept: Any, log_in: Any, claims: Any, http: Any
) -> None:
    answer = accept(invite(ann, email, permissions={"grant": ["audit:read"]}), NEW)
    assert answer.status_code == 200, answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    assert JoinedOut().validate(answer.json) == {}
    member = answer.json["member"]
    assert (member["name"], member["email"], member["role"]) == ("Nora New", email, "sales_rep")
    assert (member["is_primary"], member["is_verified"], member["status"]) == (True, True, "active")
    assert member["permissions"] == {"grant": ["audit:read"], "revoke": []}
    token = claims(answer.json["access_token"])
    assert (token["sub"], token["company_id"], token["role"]) == (str(member["id"]), ann.company_id, "sales_rep")
    assert "audit:read" in token["scope"].split()
    me = http.get("/v1/auth/me", headers={"Authorization": f"Bearer {answer.json['access_token']}"})
    assert me.json["user"]["id"] == member["id"]
    assert log_in(email.upper(), NEW["password"]).status_code == 200


def test_joining_tells_of_user_membership_and_invitation(
    ann: Any, email: str, invite: Any, accept: Any, published: Any
) -> None:
    member = accept(invite(ann, email), NEW).json["member"]
    user, joined, accepted = published(ann.company_id)[-3:]
    assert (user["type"], user["data"]["after"]["is_verified"]) == ("crm.user.created.v1", True)
    assert (joined["type"], joined["data"]["after"]["id"]) == ("crm.user_company.created.v1", member["membership_id"])
    assert (accepted["type"], accepted["data"]["after"]["accepted_by"]) == ("crm.invitation.accepted.v1", member["id"])
    assert accepted["data"]["changed"] == ["status", "accepted_by", "decided_at"]
    assert {event["actor"] for event in (user, joined, accepted)} == {str(member["id"])}


def test_a_user_of_another_company_joins_with_their_own_password(
    *, ann: Any, register: Any, invite: Any, accept: Any, published: Any, claims: Any, superuser: psycopg.Connection
) -> None:
    ben = register()
    token = invite(ann, ben.email.upper())
    answer = accept(token, OWN)
    assert answer.status_code == 200, answer.json
    assert (answer.json["member"]["id"], answer.json["member"]["is_primary"]) == (ben.user_id, False)
    assert claims(answer.json["access_token"])["company_id"] == ann.company_id
    rows = superuser.execute(
        "SELECT company_id, is_primary FROM user_companies WHERE user_id = %s ORDER BY id", (ben.user_id,)
    ).fetchall()
    assert rows == [(ben.company_id, True), (ann.company_id, False)]
    # Reading the letter has proven the address, and every company of the user hears of it.
    there = published(ben.company_id)[-1]
    assert (there["type"], there["data"]["after"]["user"]["is_verified"]) == ("crm.user_company.updated.v1", True)
    assert [event["type"] for event in published(ann.company_id)].count("crm.user.verified.v1") == 1
    assert "crm.user.created.v1" not in [event["type"] for event in published(ann.company_id)[3:]]


@pytest.mark.parametrize("given", [{"password": "wrong horse battery"}, {**NEW, "password": "wrong horse battery"}])
def test_a_wrong_password_is_refused_like_a_wrong_sign_in_and_leaves_the_invitation_open(
    *, ann: Any, hire: Any, register: Any, invite: Any, accept: Any, log_in: Any, given: Any
) -> None:
    bob = hire(register())
    token = invite(ann, bob.email)
    refused, usual = accept(token, given), log_in(bob.email, "wrong horse battery")
    assert (refused.status_code, refused.json["code"], refused.json["detail"]) == (
        usual.status_code,
        usual.json["code"],
        usual.json["detail"],
    )
    assert accept(token, OWN).status_code == 200


def test_guessing_the_password_is_throttled_like_signing_in(
    ann: Any, hire: Any, register: Any, invite: Any, accept: Any
) -> None:
    token = invite(ann, hire(register()).email)
    statuses = [accept(token, {"password": f"guess number {number}"}).status_code for number in range(6)]
    assert statuses[:4] == [401, 401, 401, 401]
    assert statuses[-1] == 429


def test_guesses_at_the_door_keep_nobody_from_joining_and_those_at_a_letter_count_there(
    *, ann: Any, hire: Any, register: Any, invite: Any, accept: Any, log_in: Any
) -> None:
    bob, eve = hire(register()), hire(register())
    token = invite(ann, bob.email)
    for _ in range(5):
        log_in(bob.email, "wrong horse battery")
    joined = accept(token, OWN)
    assert joined.status_code == 200
    assert log_in(bob.email).status_code == 429
    assert log_in(bob.email, device_token=joined.json["device_token"]).status_code == 200
    token = invite(ann, eve.email)
    assert [accept(token, {"password": f"guess number {number}"}).status_code for number in range(4)] == [401] * 4
    assert log_in(eve.email).status_code == 429


def test_a_switched_off_user_does_not_join(
    *, ann: Any, hire: Any, register: Any, invite: Any, accept: Any, superuser: Any
) -> None:
    bob = hire(register())
    token = invite(ann, bob.email)
    superuser.execute("UPDATE users SET is_active = false WHERE id = %s", (bob.user_id,))
    assert accept(token, OWN).json["code"] == "invalid_credentials"


@pytest.mark.parametrize(
    ("missing", "pointers"), [({}, ["/first_name", "/last_name"]), ({"first_name": "Nora"}, ["/last_name"])]
)
def test_a_new_user_without_names_is_asked_for_them(
    *, ann: Any, email: str, invite: Any, accept: Any, missing: Any, pointers: list[str]
) -> None:
    token = invite(ann, email)
    answer = accept(token, {**OWN, **missing})
    assert (answer.status_code, answer.json["code"]) == (422, "names_required")
    assert [fault["pointer"] for fault in answer.json["errors"]] == pointers
    assert accept(token, NEW).status_code == 200


@pytest.mark.parametrize(
    ("password", "code"),
    [("short", "password_too_short"), ("a" * 73, "password_too_long"), ("nul\x00nul nul", "password_invalid")],
)
def test_a_new_password_follows_the_rules(
    *, ann: Any, email: str, invite: Any, accept: Any, password: str, code: str
) -> None:
    answer = accept(invite(ann, email), {**NEW, "password": password})
    assert [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]] == [("/password", code)]


@pytest.mark.parametrize("token", ["", "x", "x" * 101, "\u00e4" * 43, "nul\x00", 5, None])
def test_what_is_no_token_is_refused(accept: Any, token: Any) -> None:
    assert accept(token, NEW).status_code in (404, 422)


def test_a_token_of_another_kind_accepts_nothing(ann: Any, accept: Any, letters: Any, token_of: Any, http: Any) -> None:
    headers = ann.headers
    http.post("/v1/auth/email/verification", headers=headers)
    token = token_of(letters(ann.email)[-1])
    assert accept(token, NEW).json["code"] == "invitation_not_found"
    assert http.post("/v1/auth/email/verify", json={"token": token}).status_code == 204


def test_an_invitation_verifies_no_address(ann: Any, email: str, invite: Any, http: Any, accept: Any) -> None:
    token = invite(ann, email)
    assert http.post("/v1/auth/email/verify", json={"token": token}).status_code == 422
    assert http.post("/v1/auth/password/reset", json={"token": token, "new_password": "x" * 20}).status_code == 422
    assert accept(token, NEW).status_code == 200


def test_an_invitation_expires(ann: Any, email: str, invite: Any, accept: Any, superuser: psycopg.Connection) -> None:
    token = invite(ann, email)
    superuser.execute(
        "UPDATE invitations SET expires_at = now() - interval '1 second' WHERE company_id = %s", (ann.company_id,)
    )
    answer = accept(token, NEW)
    assert (answer.status_code, answer.json["code"]) == (409, "invitation_expired")


def test_an_invitation_is_accepted_once(ann: Any, email: str, invite: Any, accept: Any) -> None:
    token = invite(ann, email)
    assert accept(token, NEW).status_code == 200
    answer = accept(token, NEW)
    assert (answer.status_code, answer.json["code"]) == (409, "invitation_accepted")


@pytest.mark.parametrize("known", [False, True])
def test_of_many_who_accept_at_once_one_does(
    *,
    ann: Any,
    email: str,
    hire: Any,
    register: Any,
    invite: Any,
    at_once: Any,
    superuser: Any,
    published: Any,
    known: bool,
) -> None:
    address = hire(register()).email if known else email
    body = {"token": invite(ann, address), **NEW}
    # As many as one network may have hashed at once: who comes beyond that is sent away.
    answers = at_once("/v1/invitations/accept", [body] * OF_NETWORK)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {404, 409}
    count = "SELECT count(*) FROM user_companies m JOIN users u ON u.id = m.user_id WHERE lower(email) = lower(%s)"
    assert superuser.execute(count + " AND company_id = %s", (address, ann.company_id)).fetchone() == (1,)
    types = [event["type"] for event in published(ann.company_id)]
    assert types.count("crm.user_company.created.v1") == 2
    assert types.count("crm.invitation.accepted.v1") == 1


def test_a_new_user_who_joins_two_companies_at_once_is_one_user(
    *, ann: Any, email: str, register: Any, invite: Any, at_once: Any, accept: Any, superuser: psycopg.Connection
) -> None:
    ben = register()
    tokens = [invite(ann, email), invite(ben, email)]
    answers = at_once("/v1/invitations/accept", [{"token": token, **NEW} for token in tokens])
    assert sorted(answer.status_code for answer in answers) in ([200, 200], [200, 409])
    for token, answer in zip(tokens, answers, strict=True):
        if answer.status_code == 409:
            assert answer.json["code"] == "account_exists"
            assert accept(token, OWN).status_code == 200
    rows = superuser.execute(
        "SELECT u.id, m.is_primary FROM users u JOIN user_companies m ON m.user_id = u.id WHERE email = %s", (email,)
    ).fetchall()
    assert len(rows) == 2
    assert len({row[0] for row in rows}) == 1
    assert sorted(row[1] for row in rows) == [False, True]


def test_a_user_who_joins_two_companies_at_once_joins_both(
    ann: Any, register: Any, invite: Any, at_once: Any, superuser: psycopg.Connection
) -> None:
    """Their address is not verified yet, so both want to write the user's row and to tell all companies."""
    ben, carl = register(), register()
    tokens = [invite(company, carl.email) for company in (ann, ben)]
    answers = at_once("/v1/invitations/accept", [{"token": token, **OWN} for token in tokens])
    assert [answer.status_code for answer in answers] == [200, 200]
    rows = superuser.execute("SELECT is_primary FROM user_companies WHERE user_id = %s", (carl.user_id,)).fetchall()
    assert sorted(rows) == [(False,), (False,), (True,)]


def test_accepting_and_withdrawing_at_once_end_in_one_of_the_two(
    ann: Any, invite: Any, client_of: Any, side_by_side: Any, superuser: psycopg.Connection
) -> None:
    for number in range(5):
        address = f"race-{number}-{ann.company_id}@acme.example"
        token = invite(ann, address)
        listed = client_of(ann).get(f"/v1/invitations?email={address}").json["data"][0]
        path, admin = f"/v1/invitations/{listed['id']}", ann.answer["access_token"]
        accepted, withdrawn = side_by_side(
            [
                lambda http: http.post("/v1/invitations/accept", json={"token": token, **NEW}),  # noqa: B023  # Called before the next round.
                lambda http: Client(http, admin).delete(path, version=1),  # noqa: B023  # As above.
            ]
        )
        status = superuser.execute("SELECT status FROM invitations WHERE id = %s", (listed["id"],)).fetchone()
        if accepted.status_code == 200:
            assert (status, withdrawn.status_code) == (("accepted",), 412)
        else:
            assert (status, withdrawn.status_code) == (("withdrawn",), 204)


def test_nobody_joins_a_closed_company(
    ann: Any, email: str, invite: Any, accept: Any, superuser: psycopg.Connection
) -> None:
    token = invite(ann, email)
    superuser.execute("UPDATE companies SET status = 'suspended' WHERE id = %s", (ann.company_id,))
    assert accept(token, NEW).json["code"] == "company_suspended"
    assert superuser.execute("SELECT FROM users WHERE email = %s", (email,)).fetchone() is None
    superuser.execute("UPDATE companies SET status = 'active' WHERE id = %s", (ann.company_id,))
    assert accept(token, NEW).status_code == 200


def test_no_secret_leaves_in_an_event_or_a_log_line(
    *, ann: Any, email: str, invite: Any, accept: Any, superuser: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    token = invite(ann, email)
    joined = accept(token, {**NEW, "password": "canary horse battery"}).json
    bodies = superuser.execute("SELECT body FROM outbox WHERE company_id = %s", (ann.company_id,)).fetchall()
    text = "".join(bytes(body).decode() for (body,) in bodies) + "".join(capfd.readouterr())
    hashed = superuser.execute("SELECT password_hash FROM users WHERE email = %s", (email,)).fetchone()
    assert hashed is not None
    for secret in (token, hashed[0], "canary horse", joined["access_token"], joined["refresh_token"]):
        assert secret not in text


@pytest.mark.parametrize("how", ["deactivate", "suspend", "demote", "revoke", "remove"])
def test_an_invitation_is_worth_what_its_sender_could_give_now(
    *,
    ann: Any,
    hire: Any,
    register: Any,
    join: Any,
    client_of: Any,
    letters: Any,
    token_of: Any,
    accept: Any,
    email: str,
    later: Any,
    how: str,
) -> None:
    bob = hire(ann, "admin")
    join(bob.user_id, register().company_id)
    invitation = bob.client.post("/v1/invitations", json={"email": email, "role": "admin"})
    assert invitation.status_code == 201, invitation.json
    letter = token_of(letters(email)[-1])
    admin = client_of(ann)
    match how:
        case "demote":
            gone = admin.patch(bob.path, json={"role": "manager"}, version=1)
        case "revoke":
            gone = admin.patch(bob.path, json={"permissions": {"revoke": ["users:write"]}}, version=1)
        case "remove":
            gone = admin.delete(bob.path, version=1)
        case "deactivate":
            gone = admin.post(f"{bob.path}/deactivate", json={})
        case _:
            gone = admin.post(f"{bob.path}/{how}")
    assert gone.status_code in (200, 204), gone.json
    refused = accept(letter, NEW)
    assert (refused.status_code, refused.json["code"]) == (409, "invitation_outdated")
    # Whoever sends it again vouches for it.
    later("2 minutes")
    assert admin.post(f"/v1/invitations/{invitation.json['id']}/resend").status_code == 200
    assert accept(token_of(letters(email)[-1]), NEW).status_code == 200
