"""`POST /v1/auth/token`: an API key becomes an access token that may do no more than its member may now."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any
from urllib.parse import quote_plus

import orjson
import psycopg
import pytest

from chassis.web.application import ServiceApplication
from chassis.web.auth import TokenVerifier
from identity import rules
from identity.schemas.auth import IdentityOut

SCOPES = ["customers:read", "customers:write"]


@dataclass(frozen=True)
class Keys:
    """What tests do with keys: make them, exchange them, and see what was noted of them."""

    http: Any
    published: Callable[..., Any]

    def make(self, who: Any, **values: object) -> Any:
        """Make a key as somebody; answers it with its secret."""
        body = {"name": "Nightly import", "scopes": SCOPES, **values}
        answer = self.http.post("/v1/api-keys", json=body, headers=who.headers)
        assert answer.status_code == 201, answer.text
        return answer.json

    def exchange(self, key: Any, **changes: object) -> Any:
        """Ask for a token with a key; keyword arguments replace fields, None leaves one out."""
        form = {"grant_type": "client_credentials", "client_id": key["prefix"], "client_secret": key["key"], **changes}
        given = {name: value for name, value in form.items() if value is not None}
        return self.http.post("/v1/auth/token", data=given)

    def noted(self, company_id: int) -> Any:
        """The kinds and details of a company's security events about keys."""
        recorded = [event["data"]["after"] for event in self.published(company_id) if "security" in event["type"]]
        return [(event["kind"], event["detail"]) for event in recorded if event["kind"].startswith("api_key")]


@pytest.fixture
def keys(http: Any, published: Callable[..., Any]) -> Keys:
    return Keys(http, published)


def test_a_key_and_a_plain_user_see_no_more_of_the_company_than_work_needs(
    *, http: Any, register: Callable[..., Any], hire: Callable[..., Any], keys: Keys
) -> None:
    ann = register()
    company = ann.answer["company"]
    key = keys.exchange(keys.make(ann)).json["access_token"]
    allowed = keys.exchange(keys.make(ann, scopes=["companies:read"])).json["access_token"]

    def seen(token: str) -> Any:
        answer = http.get("/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert IdentityOut().validate(answer.json) == {}
        return answer.json["company"]

    assert seen(allowed) == company
    for token in (key, hire(ann, "user").client.token):
        part = seen(token)
        assert part.keys() == company.keys()
        kept = ("id", "version", "name", "status", "default_currency", "time_zone", "created_at", "updated_at")
        assert {name for name, value in part.items() if value} == set(kept)
        assert {name: part[name] for name in kept} == {name: company[name] for name in kept}
        assert (part["email"], part["settings"]) == ("", {})
    assert seen(hire(ann, "sales_rep").client.token) == company


def refused(answer: Any) -> bool:
    """The one answer to a key that is not good, whatever is wrong with it."""
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="crm"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    document = {name: value for name, value in answer.json.items() if name != "request_id"}
    assert document == {
        "type": "urn:crm:problem:invalid_client",
        "title": "Unauthenticated",
        "status": 401,
        "code": "invalid_client",
        "error": "invalid_client",
        "detail": "The client's id or secret is not right, or not good any more.",
    }
    return answer.status_code == 401  # type: ignore[no-any-return]  # A test's answer has no type.


def test_a_key_becomes_a_token_of_its_member_within_its_scopes(
    app: ServiceApplication, register: Callable[..., Any], keys: Keys, claims: Callable[..., Any]
) -> None:
    ann = register()
    key = keys.make(ann)
    answer = keys.exchange(key)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert answer.json == {
        "access_token": answer.json["access_token"],
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "customers:read customers:write",
    }
    verifier: TokenVerifier = app.verifier
    principal = verifier.verify(f"Bearer {answer.json['access_token']}")
    assert (principal.user_id, principal.company_id, principal.role) == (ann.user_id, ann.company_id, "api_key")
    assert principal.session_id == key["session_id"]
    assert principal.permissions == set(SCOPES)
    assert claims(answer.json["access_token"])["ver"] == claims(ann.answer["access_token"])["ver"]


@pytest.mark.parametrize("encode", [str, quote_plus])
def test_http_basic_does_as_well(
    http: Any, register: Callable[..., Any], keys: Keys, encode: Callable[[str], str]
) -> None:
    key = keys.make(register())
    basic = b64encode(f"{encode(key['prefix'])}:{encode(key['key'])}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    form = {"grant_type": "client_credentials"}
    assert http.post("/v1/auth/token", data=form, headers=headers).status_code == 200
    both = {**form, "client_secret": key["key"]}
    answer = http.post("/v1/auth/token", data=both, headers=headers)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    other = {**form, "client_id": "another"}
    answer = http.post("/v1/auth/token", data=other, headers=headers)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Bearer x", "Basic !", "Basic ", "Basic YQ==", "Digest x", "Basic /////w=="])
def test_another_authorization_is_no_key(http: Any, header: str) -> None:
    form = {"grant_type": "client_credentials"}
    assert refused(http.post("/v1/auth/token", data=form, headers={"Authorization": header}))


def test_a_scope_narrows_and_never_widens(register: Callable[..., Any], keys: Keys) -> None:
    key = keys.make(register())
    assert keys.exchange(key, scope="customers:read").json["scope"] == "customers:read"
    for scope in ("customers:read audit:read", "users:write", "no such scope"):
        answer = keys.exchange(key, scope=scope)
        assert (answer.status_code, answer.json["code"], answer.json["error"]) == (400, *["invalid_scope"] * 2)


def test_a_key_without_scopes_may_do_nothing(http: Any, register: Callable[..., Any], keys: Keys) -> None:
    answer = keys.exchange(keys.make(register(), scopes=[])).json
    assert answer["scope"] == ""
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert http.get("/v1/api-keys", headers=headers).status_code == 403


def test_no_key_reads_or_makes_keys_whatever_its_scopes(
    http: Any, register: Callable[..., Any], keys: Keys, superuser: Any
) -> None:
    """Not even one whose row somebody wrote by hand."""
    ann = register()
    key = keys.make(ann)
    everything = orjson.dumps(sorted(rules.PERMISSIONS)).decode()
    superuser.execute("UPDATE api_keys SET scopes = %s WHERE id = %s", (everything, key["id"]))
    scope = keys.exchange(key).json["scope"].split()
    assert set(scope) == rules.KEY_SCOPES - set(rules.OWN.values())


def test_a_key_shrinks_with_its_member(register: Callable[..., Any], keys: Keys, superuser: psycopg.Connection) -> None:
    ann = register()
    key = keys.make(ann, scopes=[*SCOPES, "audit:read"])
    superuser.execute("UPDATE user_companies SET role = 'user' WHERE user_id = %s", (ann.user_id,))
    assert keys.exchange(key).json["scope"] == "customers:read"
    own = """UPDATE companies SET settings = '{"visibility": "own"}' WHERE id = %s"""
    superuser.execute(own, (ann.company_id,))
    assert keys.exchange(key).json["scope"] == "customers:read:own"


def test_a_revoked_key_is_good_no_more_and_its_use_is_noted_once(
    http: Any, register: Callable[..., Any], keys: Keys
) -> None:
    ann = register()
    key = keys.make(ann)
    revoked = http.delete(f"/v1/api-keys/{key['id']}", headers={**ann.headers, "If-Match": '"1"'})
    assert revoked.status_code == 204
    assert all(refused(keys.exchange(key)) for _ in range(3))
    detail = {"api_key_id": key["id"], "prefix": key["prefix"], "reason": "revoked"}
    assert keys.noted(ann.company_id) == [("api_key_refused", detail)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE api_keys SET expires_at = now() WHERE user_id = %s", "expired"),
        ("UPDATE user_companies SET status = 'suspended' WHERE user_id = %s", "member_inactive"),
        ("UPDATE user_companies SET status = 'deactivated' WHERE user_id = %s", "member_inactive"),
        ("UPDATE users SET is_active = false WHERE id = %s", "member_inactive"),
    ],
)
def test_a_key_ends_with_its_time_and_with_its_member(
    register: Callable[..., Any], keys: Keys, superuser: psycopg.Connection, change: Any, reason: str
) -> None:
    ann = register()
    key = keys.make(ann)
    superuser.execute(change, (ann.user_id,))
    assert refused(keys.exchange(key))
    assert [detail["reason"] for _, detail in keys.noted(ann.company_id)] == [reason]


def test_who_leaves_the_company_leaves_no_key_behind(
    register: Callable[..., Any], keys: Keys, superuser: psycopg.Connection
) -> None:
    ann = register()
    key = keys.make(ann)
    superuser.execute("DELETE FROM user_companies WHERE user_id = %s", (ann.user_id,))
    assert refused(keys.exchange(key))


@pytest.mark.parametrize("status", ["suspended", "inactive"])
def test_a_closed_company_is_told_so_to_who_has_the_key(
    register: Callable[..., Any], keys: Keys, superuser: psycopg.Connection, status: str
) -> None:
    ann = register()
    key = keys.make(ann)
    superuser.execute("UPDATE companies SET status = %s WHERE id = %s", (status, ann.company_id))
    answer = keys.exchange(key)
    assert (answer.status_code, answer.json["code"]) == (400, f"company_{status}")
    assert answer.json["error"] == "unauthorized_client"
    assert refused(keys.exchange(key, client_secret="crm_wrong"))


def test_a_token_does_not_outlive_its_key(register: Callable[..., Any], keys: Keys, claims: Callable[..., Any]) -> None:
    key = keys.make(register(), expires_at=(datetime.now(UTC) + timedelta(minutes=2)).isoformat())
    answer = keys.exchange(key).json
    assert 110 < answer["expires_in"] <= 120
    token = claims(answer["access_token"])
    assert token["exp"] - token["iat"] == answer["expires_in"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_secret": "crm_unknown"},
        {"client_secret": None},
        {"client_id": None},
        {"client_id": "000000000000"},
        {"client_id": "' OR true --"},
        {"client_id": "a\0b"},
        {"client_id": "\N{KELVIN SIGN}" * 12},
        {"client_secret": "a\0b"},
        {"client_secret": "\N{KEY}" * 1000},
    ],
)
def test_a_wrong_key_gets_one_answer(register: Callable[..., Any], keys: Keys, wrong: dict[str, str | None]) -> None:
    ann = register()
    assert refused(keys.exchange(keys.make(ann), **wrong))
    assert keys.noted(ann.company_id) == []


def test_one_companys_key_opens_nothing_with_anothers_prefix(register: Callable[..., Any], keys: Keys) -> None:
    mine, theirs = keys.make(register()), keys.make(register())
    assert refused(keys.exchange(mine, client_id=theirs["prefix"]))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "CLIENT_CREDENTIALS"}, "unsupported_grant_type"),
    ],
)
def test_other_grants_are_refused_in_the_standards_words(
    register: Callable[..., Any], keys: Keys, changes: dict[str, str | None], error: str
) -> None:
    answer = keys.exchange(keys.make(register()), **changes)
    assert (answer.status_code, answer.json["error"], answer.json["code"]) == (400, error, error)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"grant_type":"client_credentials"}', "application/json", 415),
        (b"grant_type=client_credentials", "text/plain", 415),
        (b"", None, 415),
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded", 400),
        (b"grant_type=%ff", "application/x-www-form-urlencoded", 400),
        (b"grant_type=\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"f%d=1" % number for number in range(50)), "application/x-www-form-urlencoded", 400),
        (b"scope=" + b"a" * 1024 * 1024, "application/x-www-form-urlencoded", 413),
    ],
)
def test_only_a_form_is_read(http: Any, body: bytes, content_type: str | None, status: int) -> None:
    assert http.post("/v1/auth/token", data=body, content_type=content_type).status_code == status


def test_the_description_says_that_it_is_a_form(app: ServiceApplication) -> None:
    operation = app.document["paths"]["/v1/auth/token"]["post"]
    assert list(operation["requestBody"]["content"]) == ["application/x-www-form-urlencoded"]
    assert operation["security"] == []


def test_unknown_fields_are_ignored_as_the_standard_asks(register: Callable[..., Any], keys: Keys) -> None:
    assert keys.exchange(keys.make(register()), audience="crm").status_code == 200


def test_a_use_is_written_once_a_minute_and_leaves_the_version(
    http: Any, register: Callable[..., Any], keys: Keys, superuser: psycopg.Connection
) -> None:
    ann = register()
    key = keys.make(ann)
    assert [keys.exchange(key).status_code for _ in range(3)] == [200] * 3
    shown = http.get(f"/v1/api-keys/{key['id']}", headers=ann.headers).json
    assert shown["version"] == 1
    assert shown["last_used_at"] is not None
    used = ("api_key_used", {"api_key_id": key["id"], "prefix": key["prefix"]})
    assert keys.noted(ann.company_id) == [used]
    superuser.execute("UPDATE api_keys SET last_used_at = last_used_at - interval '61 seconds'")
    keys.exchange(key)
    assert keys.noted(ann.company_id) == [used, used]


def test_used_by_many_at_once_it_is_noted_once(
    register: Callable[..., Any], keys: Keys, side_by_side: Callable[..., Any]
) -> None:
    ann = register()
    key = keys.make(ann)
    form = {"grant_type": "client_credentials", "client_id": key["prefix"], "client_secret": key["key"]}
    answers = side_by_side([lambda http: http.post("/v1/auth/token", data=form) for _ in range(10)])
    assert [answer.status_code for answer in answers] == [200] * 10
    assert len(keys.noted(ann.company_id)) == 1


def test_an_unknown_prefix_costs_what_a_wrong_secret_costs(register: Callable[..., Any], keys: Keys) -> None:
    """Both take one statement and one comparison; the best of many tries leaves the machine's other work out."""
    key = keys.make(register())
    times: dict[str, list[float]] = {"wrong": [], "unknown": []}
    for _ in range(200):
        for name, changes in (("wrong", {}), ("unknown", {"client_id": "000000000000"})):
            began = perf_counter()
            assert keys.exchange(key, client_secret="crm_wrong", **changes).status_code == 401
            times[name].append(perf_counter() - began)
    wrong, unknown = (sorted(values)[len(values) // 4] for values in times.values())
    assert 0.8 < wrong / unknown < 1.25
