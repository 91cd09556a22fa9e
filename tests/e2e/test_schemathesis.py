"""Generated requests, good and bad, on every operation of every service: no server error whatever is sent."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

EXAMPLES = 50
SCOPE = "customers:read customers:write audit:read"
OPERATIONS = {"identity": 5, "customers": 6, "audit": 1}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("service", OPERATIONS)
def test_generated_requests_meet_no_server_error(applications, tokens, service, mode):
    application = applications[service]
    schema = schemathesis.openapi.from_wsgi("/openapi.json", application)
    headers = {"Authorization": f"Bearer {tokens.sign(company_id=5_001, sub='7', scope=SCOPE)}"}
    tried = []
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            exercise(strategy, headers, tried)
        except (schemathesis.errors.SchemathesisError, Unsatisfiable) as error:
            # An operation without parameters cannot be called wrongly.
            if mode is GenerationMode.POSITIVE:
                raise AssertionError(operation.label) from error
    assert len(set(tried)) >= (OPERATIONS[service] if mode is GenerationMode.POSITIVE else 1)


def exercise(strategy, headers, tried):
    @given(case=strategy)
    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
    )
    def request(case):
        tried.append(case.operation.label)
        case.call_and_validate(headers=headers, checks=[not_a_server_error])

    request()
