"""Sessions: seen by their owner alone, ended one by one or all at once, refused by the gateways from then on."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from identity.schemas.sessions import SessionOut


def bearer(tokens: Any) -> Any:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def ends(events: Any) -> Any:
    """The ended sessions that the audit log will show: (id, reason)."""
    return [
        (event["data"]["after"]["detail"]["session_id"], event["data"]["after"]["detail"]["reason"])
        for event in events
        if event["type"] == "crm.security_event.recorded.v1" and event["data"]["after"]["kind"] == "session_ended"
    ]


@pytest.fixture
def sessions(http: Any) -> Any:
    def read(headers: Any, query: str = "") -> Any:
        response = http.get(f"/v1/auth/sessions{query}", headers=headers)
        assert response.status_code == 200, response.text
        return response.json["data"]

    return read


def test_signing_out_ends_the_session_and_nothing_else(
    *,
    http: Any,
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    refresh: Callable[..., Any],
    claims: Callable[..., Any],
    published: Callable[..., Any],
    revoked: Callable[..., Any],
) -> None:
    ann = register()
    other = log_in(ann.email).json
    response = http.post("/v1/auth/logout", headers=ann.headers)
    assert (response.status_code, response.data) == (204, b"")
    assert refresh(ann.answer["refresh_token"]).status_code == 401
    assert refresh(other["refresh_token"]).status_code == 200
    assert revoked("session", claims(ann.answer["access_token"])["sid"]) == 1
    assert revoked("session", claims(other["access_token"])["sid"]) is None
    assert [reason for _, reason in ends(published(ann.company_id))] == ["signed_out"]


def test_signing_out_again_is_good_and_tells_nothing_twice(
    http: Any, register: Callable[..., Any], published: Callable[..., Any]
) -> None:
    ann = register()
    assert [http.post("/v1/auth/logout", headers=ann.headers).status_code for _ in range(2)] == [204, 204]
    assert len(ends(published(ann.company_id))) == 1


def test_the_list_shows_where_one_is_signed_in_and_which_session_asks(
    http: Any, register: Callable[..., Any], log_in: Callable[..., Any], sessions: Callable[..., Any], network: str
) -> None:
    ann = register()
    other = log_in(ann.email).json
    rows = sessions(bearer(other))
    assert [row["current"] for row in rows] == [True, False]
    assert [row["current"] for row in sessions(ann.headers)] == [False, True]
    assert all(row["ip_address"] == network and "Werkzeug" in row["user_agent"] for row in rows)
    assert SessionOut(many=True).validate(rows) == {}
    assert SessionOut(many=True).dump(SessionOut(many=True).load(rows)) == rows


def test_no_sid_is_shown(http: Any, register: Callable[..., Any], claims: Callable[..., Any]) -> None:
    ann = register()
    text = http.get("/v1/auth/sessions", headers=ann.headers).text
    assert claims(ann.answer["access_token"])["sid"] not in text
    assert "sid" not in text


def test_only_live_sessions_of_the_caller_in_this_company_are_listed(
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    join: Callable[..., Any],
    sessions: Callable[..., Any],
    superuser: psycopg.Connection,
) -> None:
    ann, ben = register(), register()
    join(ben.user_id, ann.company_id)
    log_in(ben.email, company_id=ann.company_id)
    for change in (
        "last_used_at = now() - interval '15 days'",
        "expires_at = now()",
        "ended_at = now(), end_reason = 'signed_out'",
    ):
        log_in(ann.email)
        newest = "(SELECT max(id) FROM sessions WHERE user_id = %s AND company_id = %s)"
        superuser.execute(
            f"UPDATE sessions SET {change} WHERE id = {newest}",  # noqa: S608  # Made of the texts above.
            (ann.user_id, ann.company_id),
        )
    assert [row["current"] for row in sessions(ann.headers)] == [True]


def test_the_list_is_paged_sorted_and_cut(
    http: Any, register: Callable[..., Any], log_in: Callable[..., Any], sessions: Callable[..., Any]
) -> None:
    ann = register()
    for _ in range(3):
        log_in(ann.email)
    everything = sessions(ann.headers, "?sort=created_at")
    first = http.get("/v1/auth/sessions?sort=created_at&limit=3&include=total", headers=ann.headers).json
    assert first["page"]["total"] == 4
    rest = sessions(ann.headers, f"?sort=created_at&limit=3&cursor={first['page']['next_cursor']}")
    assert first["data"] + rest == everything
    assert sessions(ann.headers, "?fields=id,current&limit=1&sort=created_at") == [
        {"id": everything[0]["id"], "current": True}
    ]


@pytest.mark.parametrize("query", ["?sid=1", "?user_id=1", "?fields=sid", "?sort=sid", "?ended_at[is_null]=false"])
def test_the_list_offers_nothing_else(http: Any, register: Callable[..., Any], query: str) -> None:
    assert http.get(f"/v1/auth/sessions{query}", headers=register().headers).status_code == 400


def test_one_session_is_ended(
    *,
    http: Any,
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    refresh: Callable[..., Any],
    sessions: Callable[..., Any],
    claims: Callable[..., Any],
    published: Callable[..., Any],
    revoked: Callable[..., Any],
) -> None:
    ann = register()
    other = log_in(ann.email).json
    session_id = sessions(bearer(other))[0]["id"]
    assert http.delete(f"/v1/auth/sessions/{session_id}", headers=ann.headers).status_code == 204
    assert http.delete(f"/v1/auth/sessions/{session_id}", headers=ann.headers).status_code == 404
    assert refresh(other["refresh_token"]).status_code == 401
    assert revoked("session", claims(other["access_token"])["sid"]) == 1
    assert ends(published(ann.company_id)) == [(session_id, "ended_by_user")]


def test_anothers_session_is_not_there(
    *,
    http: Any,
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    join: Callable[..., Any],
    refresh: Callable[..., Any],
    superuser: psycopg.Connection,
) -> None:
    ann, ben = register(), register()
    join(ben.user_id, ann.company_id, role="admin")
    colleague = log_in(ben.email, company_id=ann.company_id).json
    rows = superuser.execute("SELECT id FROM sessions WHERE user_id = %s ORDER BY id", (ben.user_id,)).fetchall()
    for (session_id,) in rows:
        assert http.delete(f"/v1/auth/sessions/{session_id}", headers=ann.headers).status_code == 404
    # Not even one's own, seen from another company.
    assert http.delete(f"/v1/auth/sessions/{rows[0][0]}", headers=bearer(colleague)).status_code == 404
    assert refresh(colleague["refresh_token"]).status_code == 200
    assert refresh(ben.answer["refresh_token"]).status_code == 200


@pytest.mark.parametrize(("query", "current_ends"), [("", False), ("?current=false", False), ("?current=true", True)])
def test_all_sessions_are_ended_but_the_one_that_asks(
    *,
    http: Any,
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    refresh: Callable[..., Any],
    published: Callable[..., Any],
    query: str,
    current_ends: bool,
) -> None:
    ann = register()
    others = [log_in(ann.email).json for _ in range(2)]
    assert http.delete(f"/v1/auth/sessions{query}", headers=ann.headers).status_code == 204
    assert [refresh(other["refresh_token"]).status_code for other in others] == [401, 401]
    assert (refresh(ann.answer["refresh_token"]).status_code == 401) is current_ends
    assert len(ends(published(ann.company_id))) == (3 if current_ends else 2)
    assert http.delete("/v1/auth/sessions", headers=ann.headers).status_code == 204


@pytest.mark.parametrize("query", ["?current=yes", "?current=", "?all=true", "?current=true&x=1"])
def test_a_question_that_is_not_understood_ends_nothing(
    http: Any,
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    refresh: Callable[..., Any],
    query: str,
) -> None:
    ann = register()
    other = log_in(ann.email).json
    assert http.delete(f"/v1/auth/sessions{query}", headers=ann.headers).status_code == 400
    assert refresh(other["refresh_token"]).status_code == 200


def test_of_two_who_end_a_session_at_once_one_finds_it(
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    sessions: Callable[..., Any],
    side_by_side: Callable[..., Any],
    published: Callable[..., Any],
) -> None:
    ann = register()
    log_in(ann.email)
    session_id = next(row["id"] for row in sessions(ann.headers) if not row["current"])
    path = f"/v1/auth/sessions/{session_id}"
    answers = side_by_side([lambda client: client.delete(path, headers=ann.headers)] * 4)
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]
    assert len(ends(published(ann.company_id))) == 1


def test_a_refresh_that_races_with_the_end_of_its_session_saves_nothing(
    register: Callable[..., Any],
    refresh: Callable[..., Any],
    side_by_side: Callable[..., Any],
    claims: Callable[..., Any],
    revoked: Callable[..., Any],
) -> None:
    for ann in [register() for _ in range(5)]:
        token, headers = ann.answer["refresh_token"], ann.headers
        out, refreshed = side_by_side(
            [
                lambda client, headers=headers: client.post("/v1/auth/logout", headers=headers),
                lambda client, token=token: client.post("/v1/auth/refresh", json={"refresh_token": token}),
            ]
        )
        assert out.status_code == 204
        assert revoked("session", claims(ann.answer["access_token"])["sid"]) == 1
        successor = refreshed.json["refresh_token"] if refreshed.status_code == 200 else token
        assert refresh(successor).status_code == 401
