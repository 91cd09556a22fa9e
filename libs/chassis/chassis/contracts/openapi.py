"""A service's OpenAPI document as it is published: what is public of it, with its failures and with examples."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cache
from http import HTTPStatus
from itertools import chain
from typing import Any

from chassis.contracts.failures import Failure, Reach, Read
from chassis.contracts.files import Contracts
from chassis.contracts.openapi_examples import Examples, NoExample
from chassis.db import refusals
from chassis.db.idempotency import LONGEST_KEY, Claim
from chassis.db.session import Database
from chassis.errors import AppError
from chassis.service import Service
from chassis.service_client import ServiceClient
from chassis.web import problems
from chassis.web.application import ServiceApplication
from chassis.web.auth import ANYBODY, PUBLIC, TokenVerifier, check_permission
from chassis.web.denials import documented

_SCHEMAS = "#/components/schemas/"
# Down to an operation of a path, and a schema of the components.
_DEPTH = 3
# Python alone needs to be told that $ is not before a last line feed.
_OF_PYTHON = "(?!\\n)"
# What the database refuses of a write alone.
_OF_WRITES = {"already_exists", "unknown_reference", "invalid_value", "record_busy"}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same request again with the same key has no second effect and gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
}
# What no number can be an id of is not there.
_NOTHING_HERE = Failure(404, "not_found", "There is nothing here.")
_WAITING = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}


def public_document(service: Service, contracts: Contracts) -> tuple[dict[str, Any], list[str]]:
    """The service's document without what is internal, and what the code is to say to complete it."""
    settings = service.settings(database_url="postgresql://", cursor_secret="-" * 32)
    application = ServiceApplication(service, settings, Database(settings.database_url))
    document = _without_python(application.document)
    document["paths"] = {path: item for path, item in document["paths"].items() if not path.startswith("/internal/")}
    schemas = document["components"]["schemas"]
    examples = Examples(contracts, schemas)
    faults: list[str] = []
    every: set[Failure] = set()
    for path, method, operation, view in _operations(document, application):
        failures, missing = _failures(service, view, method, operation, schemas)
        if "{" in path:
            failures.add(_NOTHING_HERE)
        if method == "post" and view.access != PUBLIC:
            operation["parameters"] = [*operation.get("parameters", []), _KEY]
        every |= failures
        operation["responses"] = _answers(operation["responses"], failures)
        faults += [*missing, *_add_examples(examples, operation, f"{method.upper()} {path}")]
    document["components"]["schemas"] = _needed(document["paths"], document["components"])
    tags = {tag for _, _, operation, _ in _operations(document, application) for tag in operation["tags"]}
    document["tags"] = [tag for tag in document.get("tags", []) if tag["name"] in tags]
    ordered = sorted(every, key=lambda failure: (failure.code, failure.status, failure.detail))
    document["x-problems"] = [asdict(failure) for failure in ordered]
    return document, faults


def written(document: Mapping[str, Any]) -> str:
    """The text of a document's file: a line for each operation and for each schema, so that a change shows as one."""
    return _lines(document, _DEPTH) + "\n"


def _lines(value: Any, depth: int) -> str:
    if not depth or not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in value) + "\n]"
    members = (f"{json.dumps(key)}: {_lines(each, depth - 1)}" for key, each in value.items())
    return "{\n" + ",\n".join(members) + "\n}"


def _operations(
    document: Mapping[str, Any], application: ServiceApplication
) -> Iterator[tuple[str, str, dict[str, Any], Any]]:
    """Each operation of a document by path and method, with its view."""
    for rule in application.url_map.iter_rules():
        path = documented(rule.rule)
        for method, operation in document["paths"].get(path, {}).items():
            if method.upper() in (rule.methods or ()):
                yield path, method, operation, application.view_functions[rule.endpoint]


def _failures(
    service: Service, view: Any, method: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> tuple[set[Failure], list[str]]:
    """What an operation can fail with: by its own code, by the application around it and the database below it."""
    # The routes of a library are read with it.
    packages = frozenset({service.name, "chassis", view.__module__.partition(".")[0]})
    reach = Reach(packages, service.open_codes, _known(packages))
    if view.access != PUBLIC:
        reach.follow(TokenVerifier.verify)
        if method == "post":
            reach.follow(Claim.take)
    if view.access not in (PUBLIC, ANYBODY):
        reach.follow(check_permission)
    reach.follow(view)
    if reach.all().asks:
        reach.follow(ServiceClient.unavailable)
    reached = reach.all()
    failures = reached.failures
    failures |= {each for each in _of_the_database() if method != "get" or each.code not in _OF_WRITES}
    if method != "get":
        members = set(_members(operation.get("requestBody", {}), schemas))
        failures |= {
            Failure(error.status, error.code, error.detail)
            for constraint, error in service.conflicts.items()
            if _table_of(service, constraint) in reached.tables and _concerns(error, members)
        }
    return failures, sorted(reached.faults)


@cache
def _known(packages: frozenset[str]) -> dict[Any, Read]:  # noqa: ARG001  # For each of them its own.
    """What was read of these packages so far."""
    return {}


@cache
def _of_the_database() -> frozenset[Failure]:
    reach = Reach(frozenset({"chassis"}), {})
    reach.follow(refusals.translate)
    return frozenset(reach.all().failures)


def _table_of(service: Service, constraint: str) -> str:
    """The table that a constraint or a unique index is of."""
    for table in service.metadata.tables.values():
        if constraint in {str(getattr(each, "name", "")) for each in chain(table.constraints, table.indexes)}:
            return table.name
    raise LookupError(f"{service.name}: no table has the constraint {constraint}, which conflicts names")


def _concerns(error: AppError, members: set[str]) -> bool:
    """Whether a body with these members can be what a constraint refuses."""
    named = {fault.pointer.rpartition("/")[2] for fault in error.errors}
    return not named or bool(named & members)


def _members(value: Any, schemas: Mapping[str, Any]) -> Iterator[str]:
    """The names of all members that a body may have, however deep."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield from _members(schemas[value["$ref"].removeprefix(_SCHEMAS)], schemas)
        for key, inner in value.items():
            if key == "properties":
                yield from inner
            yield from _members(inner, schemas)
    elif isinstance(value, list):
        for each in value:
            yield from _members(each, schemas)


def _answers(answers: Mapping[str, Any], failures: Iterable[Failure]) -> dict[str, Any]:
    """The answers with one for each status that a failure has; `x-codes` are the codes of that status."""
    by_status: dict[int, set[str]] = {}
    for failure in failures:
        by_status.setdefault(failure.status, set()).add(failure.code)
    described = {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in sorted(codes))}.",
            **({"headers": _RETRY_AFTER} if status in _WAITING else {}),
            "content": {problems.CONTENT_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}},
            "x-codes": sorted(codes),
        }
        for status, codes in sorted(by_status.items())
    }
    good = {status: answer for status, answer in answers.items() if status != "default"}
    return {**good, **described, "default": answers["default"]}


def _add_examples(examples: Examples, operation: dict[str, Any], place: str) -> Iterator[str]:
    """Give the body and the good answers their examples. Yields what none could be made of."""
    bodies = [operation.get("requestBody", {})]
    bodies += [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for body in bodies:
        for content_type, content in body.get("content", {}).items():
            if not content_type.endswith("json") and "form" not in content_type:
                continue
            try:
                content["example"] = examples.of(content["schema"], place)
            except NoExample as fault:
                yield str(fault)


def _needed(paths: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the schemas that the paths need."""
    needed: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                look(each)
        elif isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix(_SCHEMAS)
            if name in components["schemas"] and name not in needed:
                needed.add(name)
                look(components["schemas"][name])
            for each in value.values():
                look(each)

    look(paths)
    look(components.get("responses", {}))
    return {name: schema for name, schema in sorted(components["schemas"].items()) if name in needed}


def _without_python(value: Any) -> Any:
    """The document without what Python's regular expressions alone need to be told."""
    if isinstance(value, list):
        return [_without_python(each) for each in value]
    if not isinstance(value, dict):
        return value
    plain = {key: _without_python(each) for key, each in value.items()}
    if isinstance(plain.get("pattern"), str):
        plain["pattern"] = re.sub(re.escape(_OF_PYTHON) + "$", "", plain["pattern"])
    return plain
