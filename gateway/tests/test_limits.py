"""Rates: per tenant and per principal for verified tokens, per source address where there is no token yet."""

import pytest

from gateway.render import Limits


@pytest.fixture(scope="session")
def limited(run):
    return run(
        limits=Limits(
            tenant_per_10s=6,
            principal_per_10s=3,
            login_per_minute=2,
            register_per_minute=1,
            refresh_per_minute=1,
            token_per_minute=3,
            letter_per_minute=2,
        )
    )


def statuses(gateway, count: int, **claims) -> list[int]:
    return [gateway.authorized("GET", "/v1/customers", **claims).status for _ in range(count)]


def test_principal_has_a_rate_of_its_own(limited) -> None:
    assert statuses(limited, 4, company_id=1, sub="1") == [200, 200, 200, 429]
    assert statuses(limited, 1, company_id=1, sub="2") == [200]


def test_same_user_in_another_company_is_another_principal(limited) -> None:
    assert statuses(limited, 4, company_id=2, sub="1") == [200, 200, 200, 429]
    assert statuses(limited, 1, company_id=3, sub="1") == [200]


def test_tenant_has_one_rate_for_all_its_principals(limited) -> None:
    found = [statuses(limited, 1, company_id=4, sub=str(sub))[0] for sub in range(1, 9)]

    assert found == [200] * 6 + [429] * 2
    assert statuses(limited, 1, company_id=5, sub="1") == [200]


def test_refused_requests_do_not_count(limited) -> None:
    assert statuses(limited, 20, company_id=6, sub="1").count(200) == 3
    assert [statuses(limited, 1, company_id=6, sub=str(sub))[0] for sub in range(2, 5)] == [200] * 3


def test_forged_token_spends_no_share(limited, tokens) -> None:
    header, payload, _ = tokens.sign(company_id=7, sub="1").split(".")
    for _ in range(10):
        answer = limited.call("GET", "/v1/customers", [("Authorization", f"Bearer {header}.{payload}.AAAA")])
        assert answer.status == 401

    assert statuses(limited, 1, company_id=7, sub="1") == [200]


def test_refusal_says_when_to_come_back(limited) -> None:
    statuses(limited, 3, company_id=8, sub="1")
    answer = limited.authorized("GET", "/v1/customers", company_id=8, sub="1")

    assert answer.json["code"] == "rate_limited"
    assert answer.json["request_id"] == answer.header("X-Request-Id")
    assert int(answer.header("Retry-After")) > 0


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/auth/login", 2),
        ("/v1/auth/register", 1),
        ("/v1/auth/refresh", 1),
        ("/v1/auth/token", 3),
        ("/v1/auth/password/forgot", 2),
        ("/v1/auth/password/reset", 2),
        ("/v1/auth/email/verify", 2),
        ("/v1/invitations/accept", 2),
    ],
)
def test_attempts_without_a_token_are_limited_per_source_address(limited, path: str, allowed: int) -> None:
    found = [limited.call("POST", path, body=b"{}").status for _ in range(allowed + 2)]

    assert found == [200] * allowed + [429] * 2


def test_no_limit_means_no_limit(gateway) -> None:
    assert set(statuses(gateway, 50, company_id=9, sub="1")) == {200}


def test_an_answer_says_what_is_left(limited) -> None:
    first, second = (limited.authorized("GET", "/v1/customers", company_id=9, sub="1") for _ in range(2))
    assert first.header("RateLimit-Policy") == '"principal";q=3;w=10, "tenant";q=6;w=10'
    assert first.header("RateLimit") == '"principal";r=2;t=10, "tenant";r=5;t=10'
    assert second.header("RateLimit") == '"principal";r=1;t=10, "tenant";r=4;t=10'
    other = limited.authorized("GET", "/v1/customers", company_id=9, sub="2")
    assert other.header("RateLimit") == '"principal";r=2;t=10, "tenant";r=3;t=10'


def test_a_refusal_says_that_nothing_is_left(limited) -> None:
    refused = [limited.authorized("GET", "/v1/customers", company_id=10, sub="1") for _ in range(5)][-1]
    assert refused.status == 429
    assert refused.header("RateLimit").startswith('"principal";r=0;')
    assert refused.header("Retry-After") is not None


def test_what_needs_no_token_says_what_is_left_to_its_address(run) -> None:
    gateway = run(limits=Limits(login_per_minute=3))
    answers = [gateway.call("POST", "/v1/auth/login", body=b"{}") for _ in range(4)]
    assert [answer.header("RateLimit") for answer in answers] == [f'"address";r={left};t=60' for left in (2, 1, 0, 0)]
    assert {answer.header("RateLimit-Policy") for answer in answers} == {'"address";q=3;w=60'}
    assert answers[-1].status == 429


def test_what_has_no_rate_says_nothing_of_one(limited) -> None:
    for answer in (
        limited.call("GET", "/livez"),
        limited.call("GET", "/v1/customers"),
        limited.call("GET", "/nowhere"),
    ):
        assert answer.header("RateLimit") is None
        assert answer.header("RateLimit-Policy") is None


def test_an_office_behind_one_address_signs_in_within_a_minute_and_goes_on(run) -> None:
    gateway = run(limits=Limits())
    for path in ("/v1/auth/login", "/v1/auth/refresh"):
        assert [gateway.call("POST", path, body=b"{}").status for _ in range(100)] == [200] * 100
