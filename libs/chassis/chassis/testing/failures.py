"""Holds what a service answers in tests to the failures that its published document promises."""

from functools import cache
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from chassis.service import Service
from chassis.web.denials import documented
from chassis.web.problems import CONTENT_TYPE


class HeldClient(FlaskClient):
    """Flask's client; a failure with a code that the operation's description does not list is an AssertionError."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        """Send a request."""
        response = super().open(*args, **options)
        _hold_to_document(self.application, response)
        return response


def _hold_to_document(app: Flask, response: TestResponse) -> None:
    service = getattr(app, "service", None)
    if response.mimetype != CONTENT_TYPE or not isinstance(service, Service):
        return
    method = response.request.method.replace("HEAD", "GET")
    operation = _operations(_document(service)).get((method, _path(app, method, response.request.path)))
    if operation is None or not response.data:
        return
    listed = operation["responses"].get(str(response.status_code), {}).get("x-codes", ())
    code = orjson.loads(response.data)["code"]
    assert code in listed, f"{method} {response.request.path}: {response.status_code} {code} is not in its description"


def _path(app: Flask, method: str, path: str) -> str:
    try:
        rule, _ = app.url_map.bind("").match(path, method, return_rule=True)
    except HTTPException:
        return ""
    return documented(str(rule))


def _document(service: Service) -> Path:
    """Where the document lies of a service of the repository."""
    root = service.migrations.parents[2]
    return root / "contracts" / "openapi" / f"{service.name}.json"


@cache
def _operations(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The operations by method and path; none for a service that is not of the repository."""
    if not path.is_file():
        return {}
    paths = orjson.loads(path.read_bytes())["paths"]
    return {
        (method.upper(), name): operation
        for name, item in paths.items()
        for method, operation in item.items()
        if method != "parameters"
    }
