"""pytest fixtures that hold what a service records to what is promised in the folder `contracts`."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chassis.contracts.files import Contracts


@pytest.fixture(scope="session")
def contracts(pytestconfig: pytest.Config) -> Contracts:
    """The contracts of the repository: the schema and the example of every event type."""
    return Contracts(pytestconfig.rootpath)


@pytest.fixture(scope="session")
def validate_event(contracts: Contracts) -> Callable[[Any], None]:
    """Hold an event, parsed from JSON, to the contract of its type; raises jsonschema's ValidationError."""

    @cache
    def validator(event_type: str) -> Draft202012Validator:
        schema = contracts.schema(event_type)
        return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

    def validate(event: Any) -> None:
        validator(event["type"]).validate(event)

    return validate
