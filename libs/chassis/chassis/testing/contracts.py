"""pytest fixtures that hold what a service records to what is promised in the folder `contracts`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

import orjson
import pytest
from jsonschema import Draft202012Validator

from chassis.contracts.examples import shape, stable
from chassis.contracts.files import Contracts
from chassis.contracts.text import dumps
from chassis.events import EventType


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-examples`: let the tests that see every event write the examples in contracts/."""
    parser.addoption("--write-examples", action="store_true", help="write the examples of events in contracts/")


class HoldToContracts(Protocol):
    """What `hold_to_contracts` is."""

    def __call__(
        self, events: Sequence[Any], published: Iterable[EventType], *, names: Mapping[str, str] | None = None
    ) -> None:
        """Hold events, in the order of the outbox, to their contracts; each of `published` must be there.

        `names` says what an example shows instead of texts that are drawn by chance.
        """


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


@pytest.fixture
def hold_to_contracts(
    contracts: Contracts, validate_event: Callable[[Any], None], pytestconfig: pytest.Config
) -> HoldToContracts:
    """Every event that a service publishes keeps its contract, and its example shows what it shows.

    With `--write-examples` the first event of each type becomes its example.
    """

    def hold(events: Sequence[Any], published: Iterable[EventType], *, names: Mapping[str, str] | None = None) -> None:
        first: dict[str, Any] = {}
        for event in events:
            validate_event(event)
            first.setdefault(event["type"], event)
        assert {event_type.name for event_type in published} - first.keys() == set()
        for event_type, event in first.items():
            if pytestconfig.getoption("write_examples"):
                contracts.keep_example(event_type, dumps(stable(event, names or {}), dense=True))
            assert shape(event) == shape(orjson.loads(contracts.example(event_type))), event_type

    return hold
