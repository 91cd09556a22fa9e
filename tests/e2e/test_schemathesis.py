"""Generated requests, good and bad, on every operation of every service: no server error whatever is sent."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from chassis.testing.batteries import services
from identity import rules

# Of each operation; the long form is for whoever changes how requests are read.
SHORT, LONG = 8, 100
SERVICES = services(Path(__file__).parents[2])
SCOPE = rules.scope_of(rules.SCOPES["super_admin"])


@pytest.fixture(scope="module")
def token(found, tokens):
    """A token with every permission, of a user and a company that there are: identity looks both up."""
    founder = found("generated")
    return tokens.sign(company_id=founder["company"]["id"], sub=str(founder["user"]["id"]), scope=SCOPE)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("examples", [SHORT, pytest.param(LONG, marks=pytest.mark.long)], ids=["short", "long"])
def test_generated_requests_meet_no_server_error(applications, token, service, mode, examples):
    application = applications[service]
    schema = schemathesis.openapi.from_wsgi("/openapi.json", application)
    headers = {"Authorization": f"Bearer {token}"}
    every, tried = set(), []
    for result in schema.get_all_operations():
        operation = result.ok()
        every.add(operation.label)
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            exercise(strategy, headers, tried, examples)
        except (schemathesis.errors.SchemathesisError, Unsatisfiable) as error:
            # An operation without parameters cannot be called wrongly.
            if mode is GenerationMode.POSITIVE:
                raise AssertionError(operation.label) from error
    assert tried
    assert mode is GenerationMode.NEGATIVE or set(tried) == every


def exercise(strategy, headers, tried, examples):
    @given(case=strategy)
    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
    )
    def request(case):
        tried.append(case.operation.label)
        case.call_and_validate(headers=headers, checks=[not_a_server_error])

    request()
