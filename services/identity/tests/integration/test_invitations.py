"""Invitations: sent once, sent again, withdrawn, and seen by their company alone."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client
from identity.schemas.invitations import InvitationOut


@pytest.fixture
def email(ann: Any) -> Any:
    return f"New.{ann.company_id}@acme.example"


@pytest.fixture
def invited(admin: Any, email: str) -> Any:
    answer = admin.post("/v1/invitations", json={"email": email, "role": "sales_rep"})
    assert answer.status_code == 201, answer.json
    return answer.json


@pytest.fixture
def a_minute_later(superuser: psycopg.Connection) -> Any:
    """Let the time go by that a letter keeps the next one waiting."""

    def go_by() -> None:
        superuser.execute("UPDATE login_throttles SET blocked_until = now(), updated_at = now() - interval '2 minutes'")

    return go_by


def test_an_invitation_is_answered_told_and_posted(
    *, admin: Any, ann: Any, email: str, letters: Any, token_of: Any, published: Any
) -> None:
    body = {"email": email, "role": "sales_rep", "permissions": {"grant": ["audit:read"]}}
    answer = admin.post("/v1/invitations", json=body)
    assert answer.status_code == 201
    assert InvitationOut().validate(answer.json) == {}
    path = f"/v1/invitations/{answer.json['id']}"
    assert (answer.headers["Location"], answer.headers["ETag"]) == (path, '"1"')
    assert admin.get(path).json == answer.json
    assert answer.json["permissions"] == {"grant": ["audit:read"], "revoke": []}
    event = published(ann.company_id)[-1]
    assert (event["type"], event["data"]["after"]) == ("crm.invitation.created.v1", answer.json)
    ((subject, text),) = letters(email)
    assert subject == "Invitation to Acme Corporation from Ann Smith"
    assert "http://127.0.0.1:8080/invitations#token=" in text
    assert len(token_of((subject, text))) == 43


def test_a_name_with_line_breaks_adds_no_line_to_the_letter(
    register: Any, client_of: Any, letters: Any, superuser: Any
) -> None:
    eve = register()
    # As one of before the API refused such names.
    evil = "Eve\r\n\r\nhttps://evil.example\r\n"
    superuser.execute("UPDATE users SET first_name = %s WHERE id = %s", (evil, eve.user_id))
    email = f"new-{eve.company_id}@acme.example"
    assert client_of(eve).post("/v1/invitations", json={"email": email, "role": "user"}).status_code == 201
    ((subject, text),) = letters(email)
    assert "\n" not in subject
    assert "\nEve https evil. example Smith invites you" in text


def test_a_company_that_nobody_can_write_to_sends_a_few_letters_to_strangers(
    admin: Any, ann: Any, superuser: psycopg.Connection
) -> None:
    def invite(number: int) -> Any:
        body = {"email": f"stranger{number}@c{ann.company_id}.example", "role": "user"}
        return admin.post("/v1/invitations", json=body)

    answers = [invite(number) for number in range(22)]
    assert [answer.status_code for answer in answers] == [201] * 21 + [429]
    assert answers[-1].json["code"] == "too_many_attempts"
    assert int(answers[-1].headers["Retry-After"]) > 30
    superuser.execute("UPDATE login_throttles SET blocked_until = now()")
    superuser.execute("UPDATE users SET is_verified = true WHERE id = %s", (ann.user_id,))
    assert invite(30).status_code == 201


def test_the_token_is_in_the_letter_alone(
    *,
    admin: Any,
    ann: Any,
    invited: Any,
    email: str,
    letters: Any,
    token_of: Any,
    published: Any,
    capfd: Any,
    superuser: Any,
) -> None:
    token = token_of(letters(email)[0])
    seen = (
        str(published(ann.company_id)) + str(invited) + admin.get("/v1/invitations").text + "".join(capfd.readouterr())
    )
    assert token not in seen
    rows = superuser.execute(
        "SELECT one_time_tokens::text, invitations::text FROM one_time_tokens, invitations"
    ).fetchall()
    assert token not in str(rows)


def test_an_address_is_invited_once_at_a_time(admin: Any, invited: Any, email: str) -> None:
    again = admin.post("/v1/invitations", json={"email": email.upper(), "role": "user"})
    assert (again.status_code, again.json["code"]) == (409, "invitation_pending")


def test_of_many_who_invite_one_address_at_once_one_does(
    ann: Any, email: str, side_by_side: Any, letters: Any, published: Any
) -> None:
    body = {"email": email, "role": "user"}
    token = ann.answer["access_token"]
    answers = side_by_side([lambda http: Client(http, token).post("/v1/invitations", json=body)] * 4)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"invitation_pending"}
    assert len(letters(email)) == 1
    assert [event["type"] for event in published(ann.company_id)].count("crm.invitation.created.v1") == 1


@pytest.mark.parametrize("status", ["active", "suspended", "deactivated"])
def test_a_member_of_any_status_is_not_invited(
    admin: Any, ann: Any, hire: Any, superuser: psycopg.Connection, status: str
) -> None:
    bob = hire(ann)
    superuser.execute("UPDATE user_companies SET status = %s WHERE user_id = %s", (status, bob.user_id))
    answer = admin.post("/v1/invitations", json={"email": bob.email.upper(), "role": "user"})
    assert (answer.status_code, answer.json["code"]) == (409, "already_member")


def test_two_companies_may_invite_one_address(
    admin: Any, invited: Any, email: str, register: Any, client_of: Any
) -> None:
    answer = client_of(register()).post("/v1/invitations", json={"email": email, "role": "user"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"role": "admin"}, 403),
        ({"role": "user", "permissions": {"grant": ["companies:write"]}}, 403),
        ({"role": "manager"}, 201),
        ({"role": "super_admin"}, 422),
        ({"role": "user", "permissions": {"grant": ["platform:companies"]}}, 422),
    ],
)
def test_nobody_invites_to_more_than_they_have(ann: Any, hire: Any, email: str, values: Any, status: int) -> None:
    deputy = hire(ann, "manager", {"grant": ["users:write"], "revoke": []})
    answer = deputy.client.post("/v1/invitations", json={"email": email, **values})
    assert answer.status_code == status, answer.json


def test_inviting_needs_users_write(ann: Any, hire: Any, email: str) -> None:
    bob = hire(ann, "manager")
    assert bob.client.post("/v1/invitations", json={"email": email, "role": "user"}).status_code == 403
    assert bob.client.get("/v1/invitations").status_code == 200


def test_a_letter_is_sent_again_after_a_minute_and_the_first_link_is_void(
    *,
    admin: Any,
    ann: Any,
    invited: Any,
    email: str,
    letters: Any,
    token_of: Any,
    http: Any,
    a_minute_later: Any,
    published: Any,
) -> None:
    path = f"/v1/invitations/{invited['id']}"
    soon = admin.post(f"{path}/resend")
    assert (soon.status_code, soon.json["code"]) == (429, "too_many_attempts")
    assert 0 < int(soon.headers["Retry-After"]) <= 60
    a_minute_later()
    answer = admin.post(f"{path}/resend")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.json["expires_at"] > invited["expires_at"]
    event = published(ann.company_id)[-1]
    assert (event["type"], event["data"]["changed"]) == ("crm.invitation.resent.v1", ["expires_at", "sent_at"])
    first, second = (token_of(letter) for letter in letters(email))
    body = {"first_name": "New", "last_name": "One", "password": "correct horse battery"}
    refused = http.post("/v1/invitations/accept", json={"token": first, **body})
    assert (refused.status_code, refused.json["code"]) == (404, "invitation_not_found")
    assert http.post("/v1/invitations/accept", json={"token": second, **body}).status_code == 200


def test_inviting_withdrawing_and_inviting_again_sends_no_flood_of_letters(
    admin: Any, invited: Any, email: str, letters: Any
) -> None:
    assert admin.delete(f"/v1/invitations/{invited['id']}", version=1).status_code == 204
    assert admin.post("/v1/invitations", json={"email": email, "role": "user"}).status_code == 429
    assert len(letters(email)) == 1


def test_a_withdrawn_invitation_is_worthless_and_makes_room_for_another(
    *,
    admin: Any,
    ann: Any,
    invited: Any,
    email: str,
    letters: Any,
    token_of: Any,
    http: Any,
    a_minute_later: Any,
    published: Any,
) -> None:
    path = f"/v1/invitations/{invited['id']}"
    assert admin.delete(path).status_code == 428
    assert admin.delete(path, version=2).status_code == 412
    assert admin.delete(path, version=1).status_code == 204
    event = published(ann.company_id)[-1]
    assert (event["type"], event["data"]["after"]["status"]) == ("crm.invitation.withdrawn.v1", "withdrawn")
    again = [admin.delete(path, version=2), admin.post(f"{path}/resend")]
    assert [(answer.status_code, answer.json["code"]) for answer in again] == [(409, "invitation_withdrawn")] * 2
    body = {
        "token": token_of(letters(email)[0]),
        "first_name": "A",
        "last_name": "B",
        "password": "correct horse battery",
    }
    refused = http.post("/v1/invitations/accept", json=body)
    assert (refused.status_code, refused.json["code"]) == (409, "invitation_withdrawn")
    a_minute_later()
    assert admin.post("/v1/invitations", json={"email": email, "role": "user"}).status_code == 201


def test_another_tenants_invitation_is_not_found(invited: Any, register: Any, client_of: Any) -> None:
    stranger = client_of(register())
    path = f"/v1/invitations/{invited['id']}"
    answers = [stranger.get(path), stranger.delete(path, version=1), stranger.post(f"{path}/resend")]
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "invitation_not_found")] * 3
    assert stranger.get("/v1/invitations").json["data"] == []


def test_the_list_is_newest_first_and_filters(admin: Any, ann: Any) -> None:
    for number in range(3):
        body = {"email": f"n{number}-{ann.company_id}@acme.example", "role": "user" if number else "manager"}
        assert admin.post("/v1/invitations", json=body).status_code == 201
    rows = admin.get("/v1/invitations").json["data"]
    assert [row["email"][:2] for row in rows] == ["n2", "n1", "n0"]
    assert len(admin.get("/v1/invitations?role=user&status=pending").json["data"]) == 2
    assert len(admin.get("/v1/invitations?email[contains]=N0").json["data"]) == 1


def test_a_rollback_leaves_no_letter_no_token_and_no_event(
    *, ann: Any, hire: Any, email: str, letters: Any, superuser: psycopg.Connection, published: Any
) -> None:
    deputy = hire(ann, "manager", {"grant": ["users:write"], "revoke": []})
    deputy.client.post("/v1/invitations", json={"email": email, "role": "admin"})
    assert letters(email) == []
    for table in ("invitations", "one_time_tokens"):
        query = f"SELECT count(*) FROM {table} WHERE company_id = %s"  # noqa: S608  # Names from above.
        assert superuser.execute(
            query + (" AND purpose = 'invitation'" if "tokens" in table else ""), (ann.company_id,)
        ).fetchone() == (0,)
    assert "crm.invitation.created.v1" not in [event["type"] for event in published(ann.company_id)]


def test_nobody_sends_again_what_they_could_not_give(
    *, admin: Any, ann: Any, email: str, hire: Callable[..., Any], letters: Any, a_minute_later: Callable[..., Any]
) -> None:
    """A letter of an admin's makes an admin; a manager who may change members cannot have it written anew."""
    invitation = admin.post("/v1/invitations", json={"email": email, "role": "admin"}).json
    deputy = hire(ann, "manager", {"grant": ["users:write"], "revoke": []})
    a_minute_later()
    sent = letters(email)
    refused = deputy.client.post(f"/v1/invitations/{invitation['id']}/resend")
    assert (refused.status_code, refused.json["code"]) == (403, "grant_not_held")
    assert letters(email) == sent
    assert admin.post(f"/v1/invitations/{invitation['id']}/resend").status_code == 200
