"""One document of all services: valid, without a name of two meanings, and with what the gateway answers."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.config import LISTS, ROUTES, WAITING
from gateway.render import __file__ as render_file
from web.build import ROOT
from web.document import NOT_KNOWN, WRONG_PATH, merge, operations_of, read_documents
from web.errors_page import errors_page

DOCUMENTS = ROOT / "contracts" / "openapi"


def small(title: str, path: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A service's document with one operation and one schema."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ThingOut"}}}
    operation = {
        "operationId": "list_things",
        "tags": ["things"],
        "x-permission": "things:read",
        "responses": {"200": {"description": "OK", "content": content}, "default": {"description": "A problem."}},
    }
    return {
        "info": {"title": title, "version": "1"},
        "tags": [{"name": "things"}],
        "x-problems": [],
        "paths": {path: {"get": operation}},
        "components": {"schemas": {"ThingOut": schema, "Problem": {"type": "object"}}},
    }


def test_the_document_is_valid_and_has_every_operation_of_every_service(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    parts = read_documents(DOCUMENTS)
    assert len(list(operations_of(document))) == sum(len(list(operations_of(part))) for part in parts.values())


def test_every_service_of_the_repository_is_in_it() -> None:
    services = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    assert read_documents(DOCUMENTS).keys() == services


def test_every_path_is_one_that_the_gateway_lets_through(document: dict[str, Any]) -> None:
    known = {segment for segments in ROUTES.values() for segment in segments}
    paths = document["paths"].keys() - {"/.well-known/jwks.json"}
    assert {path.split("/")[2] for path in paths} <= known


def test_names_are_unique(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations_of(document)]
    assert sorted(names) == sorted(set(names))
    tags = [tag["name"] for tag in document["tags"]]
    assert sorted(tags) == sorted(set(tags))


def test_the_same_schema_of_two_services_is_there_once() -> None:
    text = {"type": "string"}
    merged = merge({"a": small("A", "/v1/a", text), "b": small("B", "/v1/b", text)})
    assert merged["components"]["schemas"].keys() == {"ThingOut", "Problem"}


def test_what_would_have_a_second_meaning_gets_a_name_of_its_own() -> None:
    merged = merge({"a": small("A", "/v1/a", {"type": "string"}), "b": small("B", "/v1/b", {"type": "integer"})})
    assert merged["components"]["schemas"].keys() == {"ThingOut", "BThingOut", "Problem"}
    other = merged["paths"]["/v1/b"]["get"]
    assert other["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/BThingOut")
    assert (other["operationId"], other["tags"]) == ("b_list_things", ["b_things"])
    assert [tag["name"] for tag in merged["tags"]] == ["things", "b_things"]


def test_two_services_may_not_answer_one_path() -> None:
    with pytest.raises(ValueError, match="two services answer /v1/a"):
        merge({"a": small("A", "/v1/a", {}), "b": small("B", "/v1/a", {})})


def test_merging_changes_no_part() -> None:
    parts = {"a": small("A", "/v1/a", {"type": "string"}), "b": small("B", "/v1/b", {"type": "integer"})}
    before = deepcopy(parts)
    merge(parts)
    assert parts == before


def test_what_the_gateway_answers_is_in_every_operation(document: dict[str, Any]) -> None:
    for path, method, operation in operations_of(document):
        answers = operation["responses"]
        assert WRONG_PATH in answers["400"]["x-codes"], path
        assert "bad_gateway" in answers["502"]["x-codes"], path
        asked = operation.get("security") != [] and method != "get"
        assert (NOT_KNOWN in answers["503"]["x-codes"]) == asked, path


def test_the_gateways_own_words_are_those_of_its_template() -> None:
    template = (Path(render_file).parent / "haproxy.cfg.j2").read_text()
    assert f'"{WRONG_PATH}"' in template
    assert f'"{NOT_KNOWN}"' in template


def test_the_page_of_errors_is_up_to_date(document: dict[str, Any]) -> None:
    assert (ROOT / "docs" / "errors.md").read_text() == errors_page(document), "`make contracts` writes it anew"


def test_every_code_of_an_operation_is_on_the_page_of_errors(document: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    answers = [answer for _, _, each in operations_of(document) for answer in each["responses"].values()]
    codes = {code for answer in answers for code in answer.get("x-codes", ())}
    assert len(codes) > 50
    assert [code for code in codes if f"| `{code}` |" not in page] == []


def test_no_document_names_a_host(document: dict[str, Any]) -> None:
    assert "http://" not in json.dumps(document)


def test_the_gateway_has_a_lane_for_each_operation_that_heeds_a_preference_to_wait(document: dict[str, Any]) -> None:
    lanes = {service: re.compile(path.replace(r"\z", r"\Z")) for service, path in WAITING.items()}
    heeding = {
        (method, path)
        for path, method, operation in operations_of(document)
        if any(each.get("name") == "Prefer" for each in operation.get("parameters", ()))
    }
    having = {
        (method, path)
        for path, method, _ in operations_of(document)
        for service, lane in lanes.items()
        if method == "post" and path.split("/")[2] in ROUTES[service] and lane.match(re.sub(r"\{\w+\}", "7", path))
    }
    assert heeding == having != set()


def test_no_answer_that_the_gateway_compresses_has_an_etag(document: dict[str, Any]) -> None:
    """HAProxy makes the ETag of what it compresses a weak one, and no change could name that."""
    compressed = re.compile(LISTS.replace(r"\z", r"\Z"))
    for path, method, operation in operations_of(document):
        if method == "get" and compressed.match(re.sub(r"\{\w+\}", "7", path)):
            assert "ETag" not in operation["responses"]["200"].get("headers", {}), path
