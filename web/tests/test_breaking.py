"""What breaks a client of the last release is found, and what does not is let pass."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from web.__main__ import RELEASED
from web.breaking import breaking, surface

Change = Callable[[dict[str, Any]], Any]
PLACE = "PATCH /v1/customers/{}"


def test_nothing_breaks_clients_of_the_last_release(document: dict[str, Any]) -> None:
    assert breaking(json.loads(RELEASED.read_bytes()), surface(document)) == []


def patch(document: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = document["paths"]["/v1/customers/{customer_id}"]["patch"]
    return operation


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def member(document: dict[str, Any], name: str, of: str) -> dict[str, Any]:
    found: dict[str, Any] = schema(document, name)["properties"][of]
    return found


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda each: each["paths"].pop("/v1/customers/{customer_id}"), f"{PLACE} is gone"),
        (lambda each: patch(each).update({"x-permission": "admin:all"}), "asks for the permission admin:all instead"),
        (lambda each: patch(each).update({"operationId": "change"}), "is called change instead of update_customer"),
        (lambda each: schema(each, "CustomerOut")["properties"].pop("name"), "answer.name is gone"),
        (lambda each: schema(each, "CustomerOut")["required"].remove("name"), "answer.name may be missing"),
        (lambda each: schema(each, "CustomerPatch")["properties"].pop("city"), "body.city is gone"),
        (lambda each: schema(each, "CustomerPatch").update({"required": ["city"]}), "body.city is required"),
        (lambda each: member(each, "CustomerPatch", "status")["enum"].remove("lost"), "takes no more lost"),
        (lambda each: member(each, "CustomerPatch", "city").update({"maxLength": 5}), "has maxLength 5"),
        (lambda each: member(each, "CustomerOut", "id").update({"type": "string"}), "answer.id is string"),
        (lambda each: patch(each)["responses"].pop("200"), "200 is answered no more"),
    ],
)
def test_a_change_that_breaks_is_found(document: dict[str, Any], change: Change, sentence: str) -> None:
    after = deepcopy(document)
    change(after)
    assert sentence in "\n".join(breaking(surface(document), surface(after)))


@pytest.mark.parametrize(
    "change",
    [
        lambda each: schema(each, "CustomerOut")["properties"].update({"nickname": {"type": "string"}}),
        lambda each: schema(each, "CustomerPatch")["properties"].update({"nickname": {"type": "string"}}),
        lambda each: member(each, "CustomerPatch", "status")["enum"].append("dormant"),
        lambda each: member(each, "CustomerOut", "status").update({"enum": ["active", "dormant"]}),
        lambda each: patch(each).update({"summary": "Something else."}),
        lambda each: each["paths"].update({"/v1/more": each["paths"]["/v1/industries"]}),
        lambda each: each["paths"].update({"/v1/customers/{id}": each["paths"].pop("/v1/customers/{customer_id}")}),
        lambda each: member(each, "CustomerOut", "name").update({"description": "Other words."}),
    ],
)
def test_a_change_that_breaks_nobody_passes(document: dict[str, Any], change: Change) -> None:
    after = deepcopy(document)
    change(after)
    assert breaking(surface(document), surface(after)) == []
