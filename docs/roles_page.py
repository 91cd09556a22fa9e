"""The page docs/roles.md, made from roles.toml and from what every service's routes declare: `make roles-page`."""  # noqa: INP001  # A script beside the page that it writes.

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from chassis.db.session import Database
from chassis.service import load
from chassis.web.application import ServiceApplication
from chassis.web.auth import ANYBODY, OF_THEIR_OWN
from identity import rules

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "roles.md"
YES, OWN, NO = "✓", "✓ ¹", ""
INTRODUCTION = """\
# Roles and permissions

Made by `make roles-page` from `services/identity/identity/roles.toml` and from what the routes declare; a test
compares it with both, and another asks every route in every role.

A member has one role in a company. An access token carries what the role may do, with the member's own `grant`
added and `revoke` taken away, as its `scope`; a revoke beats a grant. Services look at the scope and know no roles.
Nobody gives a role or a permission that they do not hold themselves.

¹ Where the company's setting `visibility` is `own`, these roles get `customers:read:own` instead of
`customers:read`: they see, change, archive and restore what is assigned to them or was created by them, and
anything else is not there (404). A `grant` of `customers:read` lifts that for one member. A token without either
form, such as that of an API key with `customers:write` alone, reaches its member's own records too and no others.
The audit log shows the changes of all records: whoever is given `audit:read` sees them there.

An **API key** can hold what its column ticks, as far as its maker holds it; without scopes it may do nothing. What
it may do shrinks with its maker: when they lose a permission the key loses it, and when they see only their own
records so does the key.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")


def page() -> str:
    """The page as it should be."""
    return "\n".join([INTRODUCTION, *_roles(), *_permissions(), *_routes()])


def _roles() -> Iterator[str]:
    roles: dict[str, dict[str, Any]] = rules.ROLE_ENTRIES
    rows = [(f"`{role}`", entry["description"]) for role, entry in roles.items()]
    yield from _section("Roles", ("Role", "Whose it is"), rows)


def _permissions() -> Iterator[str]:
    rows = [
        (f"`{permission}`", text, *_ticks(permission), YES if permission in rules.KEY_SCOPES else NO)
        for permission, text in rules.PERMISSIONS.items()
    ]
    yield from _section("Permissions", ("Permission", "It lets somebody", *_columns()), rows)


def _routes() -> Iterator[str]:
    for service in sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml")):
        rows = [
            (f"`{method.upper()} {path}`", *_access(operation))
            for path, methods in sorted(_document(service)["paths"].items())
            if path.startswith("/v1/")
            for method, operation in methods.items()
            if method in ("get", "post", "patch", "put", "delete")
        ]
        yield from _section(f"Routes of {service}", ("Route", "Permission", *_columns()), rows)


def _access(operation: dict[str, Any]) -> tuple[str, ...]:
    everybody = (YES,) * (len(rules.ROLES) + 1)
    if operation.get("security") == []:
        return ("none; no token is needed", *everybody)
    permission = operation["x-permission"]
    if permission == ANYBODY:
        return ("none; any token will do", *everybody)
    return (f"`{permission}`", *_ticks(permission), YES if permission in rules.KEY_SCOPES else NO)


def _ticks(permission: str) -> Iterator[str]:
    kind = permission.partition(":")[0]
    for role in rules.ROLES:
        narrowed = any(
            held.startswith(f"{kind}:") and held.endswith(OF_THEIR_OWN)
            for held in rules.permissions_of(role, None, "own")
        )
        yield NO if permission not in rules.SCOPES[role] else OWN if narrowed else YES


def _columns() -> tuple[str, ...]:
    return (*(f"`{role}`" for role in rules.ROLES), "API key")


def _section(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _document(service_name: str) -> dict[str, Any]:
    """The OpenAPI document. It needs no database: connections are made on first use."""
    service = load(service_name)
    settings = service.settings(database_url="postgresql://", cursor_secret="-" * 32)
    return ServiceApplication(service, settings, Database(settings.database_url)).document


if __name__ == "__main__":
    main()
