"""Sessions of browsers: the refresh token in a cookie of its company, shown by pages of this origin alone."""

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest

from chassis.testing.fixtures import Client
from identity.schemas.auth import TokensOut

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def post(http: Any) -> Any:
    """Send what a page of our own would."""

    def send(path: str, bearer: str | None = None, **body: object) -> Any:
        authorization = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        return http.post(path, json=body, headers={**OURS, **authorization})

    return send


@pytest.fixture
def sign_in(post: Any, ann: Any) -> Any:
    def send() -> Any:
        return post("/v1/auth/login", email=ann.email, password=ann.password, session="cookie")

    return send


def name_of(company: Any) -> str:
    return f"__Host-crm_{company.company_id}"


def cookies(response: Any) -> Any:
    """The cookies that an answer sets, by name."""
    found: SimpleCookie = SimpleCookie()
    for header in response.headers.getlist("Set-Cookie"):
        found.load(header)
    return found


def assert_kept_from_scripts(response: Any, company: Any) -> str:
    """Assert that an answer's refresh token is in a cookie and nowhere else; answers the token."""
    assert response.headers["Cache-Control"] == "no-store"
    (name,) = cookies(response)
    cookie = cookies(response)[name]
    assert name == name_of(company)
    assert "refresh_token" not in response.json
    assert cookie.value not in response.text
    assert (cookie["path"], cookie["max-age"], cookie["samesite"]) == ("/", "1209600", "Strict")
    assert (cookie["secure"], cookie["httponly"], cookie["domain"]) == (True, True, "")
    return str(cookie.value)


def test_signing_in_puts_the_refresh_token_into_a_cookie(sign_in: Any, ann: Any) -> None:
    response = sign_in()
    assert response.status_code == 200
    assert_kept_from_scripts(response, ann)
    assert TokensOut().validate(response.json) == {}


def test_registering_and_accepting_do_so_too(
    *, post: Any, body: Any, claims: Any, letters: Any, token_of: Any, http: Any
) -> None:
    registered = post("/v1/auth/register", session="cookie", **body())
    assert registered.status_code == 201
    (name,) = cookies(registered)
    assert name == f"__Host-crm_{claims(registered.json['access_token'])['company_id']}"
    founder, email = Client(http, registered.json["access_token"]), f"nora.{name[11:]}@acme.example"
    assert founder.post("/v1/invitations", json={"email": email, "role": "user"}).status_code == 201
    new = {"first_name": "Nora", "last_name": "New", "password": "correct horse battery"}
    joined = post("/v1/invitations/accept", token=token_of(letters(email)[-1]), session="cookie", **new)
    assert joined.status_code == 200
    assert joined.json["member"]["email"] == email
    assert list(cookies(joined)) == [name]
    assert "refresh_token" not in joined.json


def test_a_refresh_names_the_company_and_changes_its_cookie(sign_in: Any, post: Any, ann: Any, claims: Any) -> None:
    signed_in = sign_in()
    before = assert_kept_from_scripts(signed_in, ann)
    response = post("/v1/auth/refresh", session="cookie", company_id=ann.company_id)
    assert response.status_code == 200
    assert assert_kept_from_scripts(response, ann) != before
    old, new = claims(signed_in.json["access_token"]), claims(response.json["access_token"])
    assert old["sid"] == new["sid"]
    assert post("/v1/auth/refresh", session="cookie", company_id=ann.company_id).status_code == 200


def test_two_companies_have_a_cookie_each(
    *, sign_in: Any, post: Any, ann: Any, register: Callable[..., Any], join: Any, claims: Any
) -> None:
    ben = register()
    join(ann.user_id, ben.company_id)
    token = sign_in().json["access_token"]
    assert_kept_from_scripts(post("/v1/auth/switch-company", token, company_id=ben.company_id, session="cookie"), ben)
    for company in (ann, ben, ann):
        refreshed = post("/v1/auth/refresh", session="cookie", company_id=company.company_id)
        assert claims(refreshed.json["access_token"])["company_id"] == company.company_id


@pytest.mark.parametrize("site", [None, "cross-site", "same-site", "none", "same-origin, cross-site"])
def test_pages_of_other_origins_are_refused(http: Any, sign_in: Any, ann: Any, site: str | None) -> None:
    sign_in()
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    for path, body in {
        "/v1/auth/login": {"email": ann.email, "password": ann.password},
        "/v1/auth/refresh": {"company_id": ann.company_id},
    }.items():
        response = http.post(path, json={**body, "session": "cookie"}, headers=headers)
        assert (response.status_code, response.json["code"]) == (403, "not_same_origin")
        assert "Set-Cookie" not in response.headers


def test_a_refused_page_has_used_nothing_up(http: Any, sign_in: Any, post: Any, ann: Any) -> None:
    sign_in()
    strange = {"json": {"session": "cookie", "company_id": ann.company_id}, "headers": {"Sec-Fetch-Site": "same-site"}}
    assert {http.post("/v1/auth/refresh", **strange).status_code for _ in range(3)} == {403}
    assert post("/v1/auth/refresh", session="cookie", company_id=ann.company_id).status_code == 200


def test_a_form_of_another_page_is_no_request(http: Any, sign_in: Any, ann: Any) -> None:
    sign_in()
    body = f'{{"session":"cookie","company_id":{ann.company_id}}}'
    response = http.post("/v1/auth/refresh", data=body, content_type="text/plain", headers=OURS)
    assert response.status_code == 415


def test_a_cookie_that_is_good_no_more_is_deleted(sign_in: Any, post: Any, ann: Any, http: Any) -> None:
    signed_in = sign_in()
    token = signed_in.json["access_token"]
    assert Client(http, token).delete("/v1/auth/sessions?current=true").status_code == 204
    response = post("/v1/auth/refresh", session="cookie", company_id=ann.company_id)
    assert (response.status_code, response.json["code"]) == (401, "invalid_refresh_token")
    cookie = cookies(response)[name_of(ann)]
    assert (cookie.value, cookie["max-age"], cookie["httponly"]) == ("", "0", True)
    assert http.get_cookie(name_of(ann)) is None
    without = post("/v1/auth/refresh", session="cookie", company_id=ann.company_id)
    assert (without.status_code, without.json["code"]) == (401, "invalid_refresh_token")
    assert "Set-Cookie" not in without.headers


def test_signing_out_deletes_the_cookie_and_ends_the_session(sign_in: Any, post: Any, ann: Any, refresh: Any) -> None:
    signed_in = sign_in()
    kept = assert_kept_from_scripts(signed_in, ann)
    signed_out = post("/v1/auth/logout", signed_in.json["access_token"])
    assert signed_out.status_code == 204
    assert cookies(signed_out)[name_of(ann)]["max-age"] == "0"
    assert refresh(kept).status_code == 401


def test_a_cookie_counts_for_its_company_alone(
    http: Any, sign_in: Any, post: Any, ann: Any, register: Callable[..., Any]
) -> None:
    """Whoever could put a cookie under another company's name would change what a page works on."""
    ben = register()
    kept = assert_kept_from_scripts(sign_in(), ann)
    http.set_cookie(name_of(ben), kept)
    response = post("/v1/auth/refresh", session="cookie", company_id=ben.company_id)
    assert (response.status_code, response.json["code"]) == (401, "invalid_refresh_token")
    assert post("/v1/auth/refresh", session="cookie", company_id=ann.company_id).status_code == 200


def test_a_closed_company_costs_no_cookie(sign_in: Any, post: Any, ann: Any, superuser: Any) -> None:
    sign_in()
    superuser.execute("UPDATE companies SET status = 'suspended' WHERE id = %s", (ann.company_id,))
    response = post("/v1/auth/refresh", session="cookie", company_id=ann.company_id)
    assert (response.status_code, response.json["code"]) == (403, "company_suspended")
    assert "Set-Cookie" not in response.headers


def test_clients_without_cookies_go_on_as_before(ann: Any, log_in: Any, refresh: Any, http: Any) -> None:
    signed_in = log_in(ann.email)
    assert "Set-Cookie" not in signed_in.headers
    refreshed = refresh(signed_in.json["refresh_token"])
    assert refreshed.json["refresh_token"]
    assert "Set-Cookie" not in refreshed.headers
    signed_out = Client(http, refreshed.json["access_token"]).post("/v1/auth/logout")
    assert (signed_out.status_code, "Set-Cookie" in signed_out.headers) == (204, False)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/refresh_token", "required"),
        ({"session": "cookie"}, "/company_id", "required"),
        ({"session": "cookie", "company_id": 7, "refresh_token": "x"}, "/refresh_token", "invalid"),
        ({"company_id": 7, "refresh_token": "x"}, "/company_id", "invalid"),
        ({"session": "header", "refresh_token": "x"}, "/session", "invalid"),
    ],
)
def test_it_is_to_be_clear_where_the_token_is(post: Any, body: Any, pointer: str, code: str) -> None:
    response = post("/v1/auth/refresh", **body)
    assert response.status_code == 422
    assert [(error["pointer"], error["code"]) for error in response.json["errors"]] == [(pointer, code)]
