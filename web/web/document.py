"""The services' OpenAPI documents made into one: what it adds is what all share and what the gateway answers."""

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gateway.config import PUBLIC
from gateway.problems import PROBLEMS

TITLE = "CRM"
DESCRIPTION = """\
A multi-tenant CRM. Register a company or sign in, and send the access token with each request. The
[guides](/docs/guides/access) go through it step by step; the [events](/docs/events) tell other systems of every change.

Each failure is a problem document (RFC 9457) with a stable `code`; [all of them](/docs/errors) stand on one page.
"""
_PROBLEM = {
    "type": "urn:crm:problem:customer_not_found",
    "title": "Not found",
    "status": 404,
    "detail": "There is no such customer.",
    "code": "customer_not_found",
    "request_id": "01a20160-3f2b-7c11-9d50-2f0e5a1b7c01",
}
_SCHEMAS = "#/components/schemas/"
_METHODS = ("get", "head", "post", "put", "patch", "delete")
# The gateway's own words, as its template has them.
WRONG_PATH, NOT_KNOWN = "invalid_path", "revocation_unknown"
# What is to be asked again later.
_COME_BACK = (429, 503)
_RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
_RATES = {
    "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"},
    "RateLimit": {"$ref": "#/components/headers/RateLimit"},
}
_HEADERS = {
    "RateLimit-Policy": {
        "description": "The rates that hold: by name, how many requests (`q`) in how many seconds (`w`).",
        "schema": {"type": "string"},
        "example": '"principal";q=1000;w=10, "tenant";q=3000;w=10',
    },
    "RateLimit": {
        "description": "What is left of each: so many requests (`r`) in the next seconds (`t`).",
        "schema": {"type": "string"},
        "example": '"principal";r=998;t=10, "tenant";r=2990;t=10',
    },
}
# What a request can meet before it reaches a service; whoever asks without a token meets no rate of a tenant.
_ANYWHERE = (400, 413, 414, 429, 502, 503, 504)


def read_documents(folder: Path) -> dict[str, dict[str, Any]]:
    """The services' documents in `contracts/openapi`, by the service's name."""
    return {path.stem: json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def merge(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One document for all services.

    What has the same name and the same content is there once. Where the content differs, the service that comes first
    by its name keeps it, and the others' get their service's name before it. Raises ValueError for a path of two.
    """
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": _version(documents.values()),
            "description": DESCRIPTION,
        },
        "servers": [{"url": "/", "description": "This gateway."}],
        "security": [{"token": []}],
        "tags": [],
        "x-tagGroups": [],
        "paths": {},
        "components": {"securitySchemes": {}, "schemas": {}, "responses": {}, "headers": {}},
        "x-problems": [],
    }
    operations: set[str] = set()
    for name, given in sorted(documents.items()):
        document = _renamed(name, deepcopy(dict(given)), merged, operations)
        if twice := merged["paths"].keys() & document["paths"].keys():
            raise ValueError(f"two services answer {', '.join(sorted(twice))}")
        merged["paths"] |= document["paths"]
        merged["tags"] += document["tags"]
        merged["x-problems"] += [each for each in document["x-problems"] if each not in merged["x-problems"]]
        merged["x-tagGroups"].append(
            {"name": document["info"]["title"], "tags": [tag["name"] for tag in document["tags"]]}
        )
        for kind, components in merged["components"].items():
            components.update(document["components"].get(kind, {}))
        operations |= {operation["operationId"] for _, _, operation in operations_of(document)}
    for path, method, operation in operations_of(merged):
        _add_gateway(path, method, operation)
    merged["components"]["schemas"]["Problem"]["example"] = _PROBLEM
    merged["components"]["headers"] |= deepcopy(_HEADERS)
    return merged


def operations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each operation by its path and method."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _version(documents: Iterable[Mapping[str, Any]]) -> str:
    return max((str(document["info"]["version"]) for document in documents), default="0")


def _renamed(name: str, document: dict[str, Any], merged: Mapping[str, Any], operations: set[str]) -> dict[str, Any]:
    """The document with a name of its own for whatever would have a second meaning."""
    schemas, present = document["components"]["schemas"], merged["components"]["schemas"]
    new = {key: f"{_title(name)}{key}" for key in schemas if key in present and present[key] != schemas[key]}
    document = _with_references(document, {f"{_SCHEMAS}{old}": f"{_SCHEMAS}{key}" for old, key in new.items()})
    document["components"]["schemas"] = {
        new.get(key, key): schema for key, schema in document["components"]["schemas"].items()
    }
    taken = {tag["name"] for tag in merged["tags"]}
    for tag in document["tags"]:
        if tag["name"] in taken:
            tag["name"] = f"{name}_{tag['name']}"
    for _, _, operation in operations_of(document):
        operation["tags"] = [f"{name}_{tag}" if tag in taken else tag for tag in operation["tags"]]
        if operation["operationId"] in operations:
            operation["operationId"] = f"{name}_{operation['operationId']}"
    return document


def _title(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _with_references(value: Any, new: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_references(each, new) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: new.get(each, each) if key == "$ref" and isinstance(each, str) else _with_references(each, new)
        for key, each in value.items()
    }


def _add_gateway(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add what the gateway may answer in the service's stead."""
    public = operation.get("security") == []
    codes: dict[int, set[str]] = {status: {PROBLEMS[status].code} for status in _ANYWHERE}
    codes[HTTPStatus.BAD_REQUEST].add(WRONG_PATH)
    if not public:
        codes[HTTPStatus.UNAUTHORIZED] = {"missing_token", "invalid_token"}
        if method != "get":
            codes[HTTPStatus.SERVICE_UNAVAILABLE].add(NOT_KNOWN)
    elif path not in PUBLIC:
        del codes[HTTPStatus.TOO_MANY_REQUESTS]
    answers = operation["responses"]
    for status, added in codes.items():
        answer = answers.setdefault(
            str(status),
            {"content": {"application/problem+json": {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}, "x-codes": []},
        )
        listed = sorted({*answer["x-codes"], *added})
        answer["x-codes"] = listed
        answer["description"] = f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in listed)}."
        if status in _COME_BACK:
            answer.setdefault("headers", {}).setdefault("Retry-After", _RETRY_AFTER)
    if not public or path in PUBLIC:
        for answer in answers.values():
            if "$ref" not in answer:
                answer["headers"] = {**answer.get("headers", {}), **_RATES}
    default = answers.pop("default")
    operation["responses"] = {**dict(sorted(answers.items())), "default": default}
