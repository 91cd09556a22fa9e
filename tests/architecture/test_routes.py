"""Every route says who may call it."""

import dataclasses
import re

import pytest

from chassis.db.session import Database
from chassis.service import Service
from chassis.web.application import ServiceApplication
from chassis.web.auth import PUBLIC

AUTHENTICATED = "*"
PERMISSION = re.compile(r"[a-z_]+:[a-z_]+(:own)?\Z")

# Whatever answers without a token stands here, so that opening a door takes two deliberate changes.
WITHOUT_TOKEN = {
    "/livez": "asked by the supervisor and the gateway",
    "/readyz": "asked by the supervisor and the gateway",
    "/openapi.json": "the description of the service, without data; the gateway does not route it",
    "/.well-known/jwks.json": "public keys",
    "/v1/auth/register": "there is no user yet",
    "/v1/auth/login": "gives the token",
    "/v1/auth/refresh": "has a refresh token instead",
    "/v1/auth/token": "has an API key instead",
    "/v1/auth/password/forgot": "who has forgotten the password cannot sign in",
    "/v1/auth/password/reset": "has a token from a letter instead",
    "/v1/invitations/accept": "has a token from a letter instead, and may have no account yet",
    "/v1/auth/email/verify": "has a token from a letter instead",
    "/v1/calendar/<token>.ics": "calendars have no token; the address holds a secret of its own",
    "/internal/revocations": "asked by the gateways' agents, who have a key of their own instead of a token",
    "/internal/companies": "asked by other services, who have a key of their own instead of a token",
    "/internal/customers/<id:company_id>": "asked by other services, who have a key of their own instead of a token",
    "/internal/duplicates/<id:company_id>": "asked by other services, who have a key of their own instead of a token",
    "/internal/named-customers/<id:company_id>": "asked by other services, who have a key of their own instead of a token",
    "/internal/books/<id:company_id>": "asked by other services, who have a key of their own instead of a token",
    "/internal/leads/<id:company_id>": "asked by other services, who have a key of their own instead of a token",
    "/internal/deals/<id:company_id>": "asked by other services, who have a key of their own instead of a token",
    "/internal/open-tasks/<id:company_id>": "asked by other services, who have a key of their own instead of a token",
    "/internal/company-purges/<id:company_id>": "asked by identity, which has a key of its own instead of a token",
    "/internal/user-purges/<id:company_id>": "asked by other services, who have a key of their own instead of a token",
    "/internal/members/<id:company_id>": "asked by other services, who have a key of their own instead of a token",
}
# Whatever asks for a token and no permission concerns the caller alone.
OF_THE_CALLER = {"/v1/auth/me"}


# What counts or adds up all that a tenant has, of which it may have a part of a process alone.
COSTLY = re.compile(r"/v1/(reports/.*|[a-z-]+/(facets|tags))\Z")


@pytest.fixture
def application(service: Service) -> ServiceApplication:
    """The service's application, without a database."""
    given = {
        field.name: "-" * 32
        for field in dataclasses.fields(service.settings)
        if field.default is dataclasses.MISSING or field.name == "cursor_secret"
    }
    settings = service.settings(**given)  # type: ignore[arg-type]  # Every field without a default is a text.
    return ServiceApplication(service, settings, Database("postgresql://"))


@pytest.fixture
def access(application: ServiceApplication) -> dict[str, str]:
    """The declared access of each rule of the service's application."""
    return {rule.rule: application.access[rule.endpoint] for rule in application.url_map.iter_rules()}


def test_every_permission_is_well_formed(access: dict[str, str]) -> None:
    assert access
    assert [
        (rule, needed)
        for rule, needed in access.items()
        if needed not in (PUBLIC, AUTHENTICATED) and not PERMISSION.match(needed)
    ] == []


def test_only_listed_routes_answer_without_a_token(access: dict[str, str]) -> None:
    assert {rule for rule, needed in access.items() if needed == PUBLIC} - WITHOUT_TOKEN.keys() == set()


def test_only_listed_routes_ask_for_no_permission(access: dict[str, str]) -> None:
    assert {rule for rule, needed in access.items() if needed == AUTHENTICATED} - OF_THE_CALLER == set()


def test_every_route_that_asks_for_a_token_is_under_v1(access: dict[str, str]) -> None:
    """The gateway leads to /v1/ and the public keys alone: whatever lies elsewhere is for the system's own processes."""
    outside = {rule for rule in access if not rule.startswith("/v1/")}
    assert outside - WITHOUT_TOKEN.keys() == set()


def test_every_route_that_counts_has_places_of_its_own(application: ServiceApplication) -> None:
    reads = [rule for rule in application.url_map.iter_rules() if "GET" in (rule.methods or ())]
    assert {rule.rule for rule in reads if COSTLY.match(rule.rule)} == {
        rule.rule for rule in reads if rule.endpoint in application.costly
    }
