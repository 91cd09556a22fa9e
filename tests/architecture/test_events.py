"""What is published is promised: each event type has a schema and an example, and nothing is promised that is not sent."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from chassis.events import EventType, decode

SCHEMA = ".schema.json"
EXAMPLE = ".example.json"


def published_by(package: str) -> set[str]:
    """The types of a service's events module, or of the chassis' own; a service may publish none."""
    if find_spec(f"{package}.events") is None:
        return set()
    values = vars(import_module(f"{package}.events")).values()
    return {value.name for value in values if isinstance(value, EventType)}


EVERYBODYS = published_by("chassis")


@pytest.fixture
def contracts(root: Path) -> Path:
    return root / "contracts" / "events"


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def names(folder: Path, suffix: str) -> set[str]:
    return {path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}")}


def test_every_published_event_has_a_schema_and_an_example(contracts: Path, service_name: str) -> None:
    published = published_by(service_name) | EVERYBODYS
    assert published - names(contracts, SCHEMA) == set()
    assert published - names(contracts, EXAMPLE) == set()


def test_every_schema_and_example_is_of_a_published_event(contracts: Path, service_names: list[str]) -> None:
    published = {name for service_name in service_names for name in published_by(service_name)} | EVERYBODYS
    assert published
    assert names(contracts, SCHEMA) - published == set()
    assert names(contracts, EXAMPLE) - published == set()


def test_no_type_is_published_by_two_services(service_names: list[str]) -> None:
    every = [name for service_name in service_names for name in published_by(service_name)]
    assert sorted(every) == sorted(set(every))
    assert EVERYBODYS.isdisjoint(every)


def test_schemas_name_their_type_and_their_source(contracts: Path, service_name: str) -> None:
    for name in published_by(service_name):
        properties = read(contracts / f"{name}{SCHEMA}")["properties"]
        assert properties["type"] == {"const": name}
        assert properties["source"] == {"const": service_name}


def test_what_every_service_publishes_names_any_of_them_as_its_source(
    contracts: Path, service_names: list[str]
) -> None:
    assert EVERYBODYS
    for name in EVERYBODYS:
        properties = read(contracts / f"{name}{SCHEMA}")["properties"]
        assert properties["type"] == {"const": name}
        assert all(re.search(properties["source"]["pattern"], service_name) for service_name in service_names)


def test_every_example_is_what_its_schema_says(contracts: Path) -> None:
    for name in names(contracts, EXAMPLE):
        schema = read(contracts / f"{name}{SCHEMA}")
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        validator.validate(read(contracts / f"{name}{EXAMPLE}"))


def test_every_example_is_an_event_that_a_consumer_can_read(contracts: Path) -> None:
    for name in names(contracts, EXAMPLE):
        assert decode((contracts / f"{name}{EXAMPLE}").read_bytes()).type == name


def test_a_schema_refuses_an_event_without_any_one_of_its_attributes(contracts: Path) -> None:
    for name in names(contracts, EXAMPLE):
        validator = Draft202012Validator(read(contracts / f"{name}{SCHEMA}"))
        for attribute in list(mutilated(read(contracts / f"{name}{EXAMPLE}"))):
            with pytest.raises(ValidationError):
                validator.validate(attribute)


def mutilated(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The event, each time without one of its attributes."""
    for attribute in event:
        yield {key: value for key, value in event.items() if key != attribute}
