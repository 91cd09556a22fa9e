"""Which Authorization headers the gateway lets pass."""

import time

import pytest

from chassis.testing.token_battery import Case, battery


@pytest.mark.parametrize("case", battery(), ids=str)
def test_gateway_judges_every_case_of_the_battery_as_the_rule_says(gateway, tokens, case: Case) -> None:
    answer = gateway.call("GET", "/v1/customers", [("Authorization", case.authorization(tokens))])

    if case.accepted:
        assert answer.status == 200
    else:
        assert answer.status == 401
        assert answer.header("Content-Type") == "application/problem+json"
        assert answer.json["code"] in ("missing_token", "invalid_token")
        assert (answer.header("WWW-Authenticate") or "").startswith("Bearer")


def test_refused_token_never_reaches_a_service(gateway, stand_in) -> None:
    gateway.call("GET", "/v1/customers/refused", [("Authorization", "Bearer a.b.c")])

    assert stand_in.calls["GET /v1/customers/refused"] == 0


def test_absent_token_is_missing_and_a_bad_one_invalid(gateway) -> None:
    absent = gateway.call("GET", "/v1/customers")
    other_scheme = gateway.call("GET", "/v1/customers", [("Authorization", "Basic dXNlcjpwYXNz")])
    bad = gateway.call("GET", "/v1/customers", [("Authorization", "Bearer a.b.c")])

    assert [a.json["code"] for a in (absent, other_scheme, bad)] == ["missing_token", "missing_token", "invalid_token"]
    assert absent.header("WWW-Authenticate") == "Bearer"
    assert bad.header("WWW-Authenticate") == 'Bearer error="invalid_token"'


def test_two_authorization_headers_are_refused_even_when_both_are_good(gateway, tokens) -> None:
    header = ("Authorization", f"Bearer {tokens.sign()}")

    assert gateway.call("GET", "/v1/customers", [header, header]).status == 401


def test_token_goes_to_the_service_unchanged(gateway, tokens) -> None:
    authorization = f"Bearer {tokens.sign()}"

    received = gateway.call("GET", "/v1/customers", [("Authorization", authorization)]).json["headers"]

    assert [value for name, value in received if name.lower() == "authorization"] == [authorization]


def test_token_that_was_verified_before_still_expires(gateway, tokens) -> None:
    authorization = [("Authorization", f"Bearer {tokens.sign(exp=int(time.time()) + 2)}")]

    assert gateway.call("GET", "/v1/customers", authorization).status == 200
    assert gateway.call("GET", "/v1/customers", authorization).status == 200
    time.sleep(2)
    assert gateway.call("GET", "/v1/customers", authorization).status == 401


def test_verified_token_opens_the_door_to_no_other(gateway, tokens) -> None:
    token = tokens.sign()
    gateway.call("GET", "/v1/customers", [("Authorization", f"Bearer {token}")])
    header, _, signature = token.split(".")
    other_payload = tokens.sign(company_id=43).split(".")[1]

    for forged in (f"{header}.{other_payload}.{signature}", f"{token[:-8]}AAAAAAAQ"):
        assert gateway.call("GET", "/v1/customers", [("Authorization", f"Bearer {forged}")]).status == 401


def test_public_addresses_need_no_token(gateway) -> None:
    for path in ("/v1/auth/login", "/v1/auth/register", "/v1/auth/refresh"):
        assert gateway.call("POST", path, body=b"{}").status == 200
    assert gateway.call("GET", "/.well-known/jwks.json").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/auth/login"),
        ("POST", "/v1/auth/logins"),
        ("POST", "/v1/auth/LOGIN"),
        ("GET", "/v1/auth/me"),
        ("GET", "/v1/users"),
        ("GET", "/v1/companies/1"),
        ("GET", "/v1/audit-logs"),
        ("POST", "/.well-known/jwks.json"),
        ("POST", "/v1/customers?/v1/auth/login"),
    ],
)
def test_what_only_looks_public_needs_a_token(gateway, method: str, path: str) -> None:
    assert gateway.call(method, path, body=b"{}").status == 401
