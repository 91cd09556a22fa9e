"""What the page of the API reads shows what the document says, in a fraction of its size."""

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from web.document import operations_of
from web.reference import for_reading


@pytest.fixture(scope="module")
def read(document: dict[str, Any]) -> dict[str, Any]:
    return for_reading(document)


def resolved(document: dict[str, Any], value: Any) -> Any:
    """A response or a parameter, wherever it stands."""
    while "$ref" in value:
        value = document["components"][value["$ref"].split("/")[2]][value["$ref"].split("/")[3]]
    return value


def test_it_is_a_valid_document_of_3_0(read: dict[str, Any]) -> None:
    assert [error.message[:300] for error in OpenAPIV30SpecValidator(read).iter_errors()] == []


def test_it_has_every_operation_with_all_its_parameters_and_answers(
    read: dict[str, Any], document: dict[str, Any]
) -> None:
    shown = {(path, method): operation for path, method, operation in operations_of(read)}
    for path, method, operation in operations_of(document):
        there = shown[path, method]
        assert there["operationId"] == operation["operationId"]
        assert [resolved(read, each)["name"] for each in there.get("parameters", [])] == [
            resolved(document, each)["name"] for each in operation.get("parameters", [])
        ]
        for status, answer in operation["responses"].items():
            said = resolved(read, there["responses"][status])
            assert said["description"] == resolved(document, answer)["description"]


def test_null_is_said_in_its_words(read: dict[str, Any]) -> None:
    customer = read["components"]["schemas"]["CustomerOut"]["properties"]
    assert (customer["city"]["type"], customer["city"]["nullable"]) == ("string", True)
    assert '"null"' not in json.dumps(read["components"]["schemas"])


def test_it_is_half_as_large_at_most_and_leaves_the_document_alone(
    read: dict[str, Any], document: dict[str, Any]
) -> None:
    assert len(json.dumps(read)) < len(json.dumps(document)) / 2
    assert document["openapi"] == "3.1.0"
    assert "null" in json.dumps(document["components"]["schemas"]["CustomerOut"])
