"""Each service's published description says of every operation what a developer needs, and says it in a valid way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

SCHEMAS = "#/components/schemas/"
SELECTORS = {"limit", "cursor", "time_zone", "sort", "fields", "expand", "include", "q"}


@pytest.fixture(scope="session")
def document(root: Path, service_name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "contracts" / "openapi" / f"{service_name}.json").read_bytes())
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The JSON that goes in and comes out of an operation that succeeds."""
    bodies = [operation.get("requestBody", {})]
    bodies += [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for body in bodies:
        yield from (each for name, each in body.get("content", {}).items() if name.endswith("json"))


def test_the_description_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_only_what_is_public_is_described(document: dict[str, Any]) -> None:
    assert document["paths"]
    assert [path for path in document["paths"] if not path.startswith(("/v1/", "/.well-known/"))] == []


def test_every_operation_says_what_it_does_and_who_may(document: dict[str, Any]) -> None:
    for place, operation in operations(document):
        assert operation["summary"], place
        assert operation["operationId"], place
        assert operation.get("security") == [] or operation["x-permission"], place


def test_every_failure_of_an_operation_has_its_code(document: dict[str, Any]) -> None:
    explained = {(each["status"], each["code"]) for each in document["x-problems"]}
    for place, operation in operations(document):
        failures = {status: each for status, each in operation["responses"].items() if status >= "400"}
        listed = {(int(status), code) for status, each in failures.items() for code in each.get("x-codes", ())}
        assert listed, place
        assert listed <= explained, place
        if operation.get("security") != []:
            assert {(401, "missing_token"), (401, "invalid_token")} <= listed, place
        if operation.get("x-permission", "*") != "*":
            assert (403, "permission_missing") in listed, place


def test_every_body_and_every_answer_has_an_example_that_is_valid(document: dict[str, Any]) -> None:
    for place, operation in operations(document):
        for content in contents(operation):
            schema = content["schema"] | {"components": document["components"]}
            assert "example" in content, place
            Draft202012Validator(schema).validate(content["example"])


def test_filters_and_sorts_are_said_to_programs(document: dict[str, Any]) -> None:
    for place, operation in operations(document):
        parameters = {each["name"]: each for each in operation.get("parameters", ()) if each["in"] == "query"}
        if "sort" not in parameters:
            continue
        assert set(parameters["sort"]["x-sortable"]) <= set(parameters["sort"]["schema"]["items"]["enum"]), place
        filters = {name: each["x-filter"] for name, each in parameters.items() if "x-filter" in each}
        offered = {
            name if operator == "eq" else f"{name}[{operator}]"
            for each in filters.values()
            for name, operator in ((each["field"], operator) for operator in each["operators"])
        }
        assert offered == filters.keys() == parameters.keys() - SELECTORS, place
        for name in filters.keys() & {each["field"] for each in filters.values()}:
            kind = {"integer": "integer", "boolean": "boolean"}.get(filters[name]["kind"], "string")
            assert parameters[name]["schema"]["type"] == kind, (place, name)
