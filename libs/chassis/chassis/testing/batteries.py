"""What a service tells the tests over all services of itself: the module `battery.py` in its own `tests` folder.

The tests of tenancy, of roles, of tokens, of canaries and of generated requests find services in `services/*` and
operations in their OpenAPI documents. What no document says, each service says in a `Battery`: how records of it are
made, and which bodies its routes take.
"""

import re
import runpy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import psycopg

from chassis.service import load
from chassis.testing.fixtures import Client
from chassis.web.application import ServiceApplication

METHODS = ("get", "post", "patch", "put", "delete")
_PLACE = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Owner:
    """Somebody with every permission of an admin, in whose company records are made."""

    company_id: int
    user_id: int
    client: Client
    # A superuser's connection to the service's database, for what no route makes.
    database: psycopg.Connection

    def create(self, path: str, **body: Any) -> Any:
        """Create a record through the API; answers it."""
        answer = self.client.post(path, json=body)
        assert answer.status_code == HTTPStatus.CREATED, (path, answer.json)
        return answer.json


@dataclass(frozen=True)
class Operation:
    """A method and a path template of a service's OpenAPI document, which ask for a token."""

    service: str
    method: str
    path: str
    permission: str
    takes_json: bool

    @property
    def by_id(self) -> bool:
        """Whether the path names a record."""
        return "{" in self.path

    def at(self, record_id: int) -> str:
        """The path with one id in every place of it."""
        return _PLACE.sub(str(record_id), self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, kw_only=True)
class Battery:
    """What one service tells of itself.

    `make` creates a record of each kind, whose texts hold the mark, in the owner's company; it answers the values for
    each parameter of the service's paths, by its name, or by the path up to it where two kinds of records call theirs
    the same. The first of them is the record that lists are asked for. `changes` are
    bodies of PATCH by the noun of the path, `deeds` bodies of POST on a record by the last word of the path; each is a
    body that would change something. `of_the_caller` are paths that answer with what is the caller's own in whatever
    company they work; `of_the_company` are those of settings, which who sees only their own records sees as well.
    """

    make: Callable[[Owner, str], Mapping[str, Any]]
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    deeds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    of_the_caller: frozenset[str] = frozenset()
    of_the_company: frozenset[str] = frozenset()

    def body(self, operation: Operation) -> dict[str, Any]:
        """The arguments with which a client sends a body that the operation takes."""
        words = operation.path.rstrip("/").split("/")
        if operation.method == "PUT" and not operation.takes_json:
            return {"data": b"x", "content_type": "application/octet-stream"}
        # A POST to a record that exists may take a body; one that makes a record is to make none.
        if operation.method in ("PATCH", "PUT"):
            noun, bodies = words[-2] if operation.path.endswith("}") else words[-1], self.changes
        elif operation.method == "POST" and operation.by_id:
            noun, bodies = words[-1], self.deeds
        else:
            return {}
        if noun not in bodies and operation.takes_json:
            kind = "deeds" if bodies is self.deeds else "changes"
            raise AssertionError(
                f"{_file(operation.service)} has no body for {operation}: add {noun!r} to `{kind}` of its Battery,"
                " with a body that the route takes and that would change the record."
            )
        return {"json": dict(bodies[noun])} if noun in bodies else {}

    def target(self, operation: Operation, ids: Mapping[str, Any]) -> str:
        """The operation's path with the ids put in."""
        values = {
            found[0]: ids.get(operation.path[: found.end()], ids.get(found[1]))
            for found in _PLACE.finditer(operation.path)
        }
        missing = sorted(place[1:-1] for place, value in values.items() if value is None)
        if missing:
            raise AssertionError(
                f"{_file(operation.service)} makes no record for {operation}: let `make` of its Battery create one and"
                f" answer its id as {', '.join(map(repr, missing))}."
            )
        return _PLACE.sub(lambda found: str(values[found[0]]), operation.path)


def load_battery(service: str) -> Battery:
    """The `BATTERY` in the service's `tests/battery.py`; raises AssertionError with what to write if there is none."""
    path = load(service).migrations.parent / "tests" / "battery.py"
    found = runpy.run_path(str(path)).get("BATTERY") if path.is_file() else None
    if not isinstance(found, Battery):
        raise AssertionError(  # noqa: TRY004  # A test fails by this, it is no misuse of a function.
            f"{_file(service)} is missing or has no BATTERY: write `BATTERY = Battery(make=…)` there, where"
            " `make(owner, mark)` creates a record of each kind with the mark in its texts and answers the ids by the"
            " names of the service's path parameters (see chassis.testing.batteries and the one of customers)."
        )
    return found


def operations(application: ServiceApplication) -> Iterator[Operation]:
    """Every operation of a service that asks for a token."""
    for path, methods in application.document["paths"].items():
        for method in METHODS:
            operation = methods.get(method)
            if operation is not None and operation.get("security") != []:
                content = cast("dict[str, Any]", operation.get("requestBody", {})).get("content", {})
                yield Operation(
                    service=application.service.name,
                    method=method.upper(),
                    path=path,
                    permission=operation["x-permission"],
                    takes_json="application/json" in content,
                )


def services(root: Path) -> list[str]:
    """The names of all services of the repository, from the folders that there are."""
    return sorted(path.parent.name for path in root.glob("services/*/pyproject.toml"))


def _file(service: str) -> str:
    return f"services/{service}/tests/battery.py"
