"""What is published is promised: each event type has a contract and an example, and nothing is promised that is not sent."""

import json
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from chassis.contracts.derive import derive
from chassis.contracts.files import Contracts
from chassis.events import EventType, decode

MOST_LINES = 55  # For each event: its contract, its example and its share of a record.


def published_by(package: str) -> set[str]:
    """The types of a service's events module, or of the chassis' own; a service may publish none."""
    if find_spec(f"{package}.events") is None:
        return set()
    values = vars(import_module(f"{package}.events")).values()
    return {value.name for value in values if isinstance(value, EventType)}


EVERYBODYS = published_by("chassis")


@pytest.fixture(scope="session")
def published(service_names: list[str]) -> set[str]:
    every = {name for service_name in service_names for name in published_by(service_name)} | EVERYBODYS
    assert every
    return every


def test_the_contracts_are_what_can_be_derived(root: Path) -> None:
    texts, faults = derive(root)
    assert faults == []
    assert [str(path) for path, text in texts.items() if path.read_text() != text] == []


def test_exactly_the_published_events_have_a_contract_and_an_example(contracts: Contracts, published: set[str]) -> None:
    assert set(contracts.types) == published
    assert set(contracts.examples) == published


def test_no_type_is_published_by_two_services(service_names: list[str]) -> None:
    every = [name for service_name in service_names for name in published_by(service_name)]
    assert sorted(every) == sorted(set(every))
    assert EVERYBODYS.isdisjoint(every)


def test_contracts_name_their_type_and_their_source(
    contracts: Contracts, service_name: str, validate_event: Any
) -> None:
    for name in published_by(service_name):
        event = json.loads(contracts.example(name))
        assert (event["type"], event["source"]) == (name, service_name)
        for attribute, value in (("type", "crm.customer.sold.v1"), ("source", "sales"), ("subject", "sales/1")):
            with pytest.raises(ValidationError):
                Draft202012Validator(contracts.schema(name)).validate(event | {attribute: value})


def test_what_every_service_publishes_may_come_from_any_of_them(
    contracts: Contracts, service_names: list[str], validate_event: Any
) -> None:
    assert EVERYBODYS
    for name in EVERYBODYS:
        for service_name in service_names:
            validate_event(json.loads(contracts.example(name)) | {"source": service_name})


def test_every_example_is_what_its_contract_says(contracts: Contracts, validate_event: Any) -> None:
    for name in contracts.examples:
        Draft202012Validator.check_schema(contracts.schema(name))
        validate_event(json.loads(contracts.example(name)))


def test_every_example_is_an_event_that_a_consumer_can_read(contracts: Contracts) -> None:
    for name in contracts.examples:
        assert decode(contracts.example(name)).type == name


def test_no_contract_refuses_what_may_be_added(contracts: Contracts) -> None:
    for name in contracts.types:
        schema = contracts.schema(name)
        assert list(closed(schema)) == []
        assert "operation" in schema["$defs"]["envelope"]["properties"]


def test_a_contract_refuses_an_event_without_any_one_of_its_attributes(contracts: Contracts) -> None:
    for name in contracts.examples:
        schema = contracts.schema(name)
        validator = Draft202012Validator(schema)
        required = schema["$defs"]["envelope"]["required"]
        for event in mutilated(json.loads(contracts.example(name)), required):
            with pytest.raises(ValidationError):
                validator.validate(event)


def test_a_contract_refuses_a_record_without_any_one_of_its_fields(contracts: Contracts) -> None:
    for name in contracts.examples:
        validator = Draft202012Validator(contracts.schema(name))
        event = json.loads(contracts.example(name))
        for side in ("before", "after"):
            for record in mutilated(event["data"][side] or {}, contracts.record(name.split(".")[1])["required"]):
                with pytest.raises(ValidationError):
                    validator.validate(event | {"data": event["data"] | {side: record}})


def test_contracts_say_everything_once(root: Path) -> None:
    folder = root / "contracts"
    lines = sum(len(path.read_text().splitlines()) for path in (*folder.glob("*.*"), *folder.glob("[!o]*/*.*")))
    assert lines < MOST_LINES * len([*folder.glob("events/*.json")])


def closed(schema: Any) -> Iterator[Any]:
    """The parts of a schema that refuse members which they do not name."""
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False or "unevaluatedProperties" in schema:
            yield schema
        for part in schema.values():
            yield from closed(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from closed(part)


def mutilated(whole: dict[str, Any], names: list[str]) -> Iterator[dict[str, Any]]:
    """The object, each time without one of these members."""
    for name in names:
        if name in whole:
            yield {key: value for key, value in whole.items() if key != name}
