"""Every route that asks for a token asks for a good one: found in the OpenAPI document of every service."""

import pytest

from chassis.testing.batteries import operations
from chassis.testing.fixtures import Client
from chassis.testing.tokens import TokenFactory
from identity import rules

SCOPE = rules.scope_of(rules.SCOPES["super_admin"])


@pytest.fixture(scope="module")
def bad_tokens(tokens):
    """Tokens that nobody may come in with; `tests/web/test_auth.py` of the chassis has every other kind."""
    return {
        "none": None,
        "of no meaning": "a.b.c",
        "of another key": TokenFactory(tokens.kid).sign(scope=SCOPE),
        "of yesterday": tokens.sign(scope=SCOPE, exp=1_700_000_000),
        "without a company": tokens.sign(scope=SCOPE, company_id=None),
    }


def test_no_route_of_any_service_lets_a_bad_token_in(applications, bad_tokens):
    let_in, tried = [], 0
    for application in applications.values():
        for operation in operations(application):
            for kind, token in bad_tokens.items():
                body = {} if operation.method in ("GET", "DELETE") else {"json": {}}
                client = Client(application.test_client(), token)
                answer = client.request(operation.method, operation.at(2**62), version=1, **body)
                tried += 1
                if answer.status_code != 401:
                    let_in.append((str(operation), kind, answer.status_code))
    assert let_in == []
    assert tried >= 5 * len(applications)
