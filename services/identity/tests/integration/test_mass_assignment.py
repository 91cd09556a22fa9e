"""What is the server's to say is refused in every body of companies, members and invitations, and stored nowhere (S11)."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

# Each is a column somewhere behind these routes, or would be a way to name another tenant, user or state.
OURS = (
    "id",
    "company_id",
    "user_id",
    "membership_id",
    "version",
    "is_active",
    "is_verified",
    "is_primary",
    "password_hash",
    "token_epoch",
    "last_login",
    "joined_at",
    "created_at",
    "updated_at",
    "transfer_plan",
    "invited_by",
    "accepted_by",
    "expires_at",
    "decided_at",
    "subscription_plan",
    "subscription_end",
)
COMPANY, MEMBER, OTHER = ("status", "email", "role", "permissions"), ("status", "email"), ("status",)
# Method, path, a body that is taken, and what is refused in it besides OURS.
WRITES = {
    "company": ("PATCH", "/v1/companies/current", {"city": "Rome"}, COMPANY),
    "settings": ("PATCH", "/v1/companies/current", {"settings": {"visibility": "own"}}, ()),
    "member": ("PATCH", "/v1/users/{bob}", {"first_name": "Eve"}, MEMBER),
    "permissions": ("PATCH", "/v1/users/{bob}", {"permissions": {"grant": []}}, MEMBER),
    "deactivation": ("POST", "/v1/users/{bob}/deactivate", {"transfer": {}}, MEMBER),
    "transfer": ("POST", "/v1/users/{bob}/deactivate", {"transfer": {"customers": {"keep": True}}}, MEMBER),
    "invitation": ("POST", "/v1/invitations", {"email": "eve-{company}@x.example", "role": "user"}, OTHER),
    "acceptance": (
        "POST",
        "/v1/invitations/accept",
        {"token": "x", "password": "correct horse battery"},
        (*OTHER, "email", "role"),
    ),
    "switch": ("POST", "/v1/auth/switch-company", {"company_id": 1}, OTHER),
    "primary": ("POST", "/v1/auth/primary-company", {"company_id": 1}, OTHER),
}
TABLES = ("companies", "users", "user_companies", "invitations", "one_time_tokens", "mails", "outbox")


def filled(value: Any, names: dict[str, int]) -> Any:
    return value.format(**names) if isinstance(value, str) else value


def places(body: dict[str, Any], pointer: str = "") -> list[tuple[dict[str, Any], str]]:
    """Every object in a body with its pointer."""
    inner = [
        place for name, value in body.items() if isinstance(value, dict) for place in places(value, f"{pointer}/{name}")
    ]
    return [(body, pointer), *inner]


def copy(value: Any) -> Any:
    return {name: copy(inner) for name, inner in value.items()} if isinstance(value, dict) else value


@pytest.fixture(scope="module")
def everything(urls: Any) -> Any:
    """A digest of all that is stored."""

    def look() -> Any:
        with psycopg.connect(urls.superuser, autocommit=True) as connection:
            return [
                connection.execute(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t").fetchone()  # noqa: S608  # Names from above.
                for table in TABLES
            ]

    return look


@pytest.mark.parametrize("write", WRITES)
def test_every_field_that_is_ours_is_refused_in_every_object_of_a_body(
    register: Callable[..., Any], hire: Any, client_of: Any, everything: Any, write: str
) -> None:
    ann = register()
    names = {"company": ann.company_id, "bob": hire(ann).user_id}
    method, path, body, more = WRITES[write]
    client, before = client_of(ann), everything()
    for name in sorted({*OURS, *more}):
        for index in range(len(places(body))):
            injected = {key: filled(value, names) for key, value in copy(body).items()}
            place, pointer = places(injected)[index]
            if name in place:
                continue
            place[name] = 1
            answer = client.request(method, path.format(**names), json=injected, version=1)
            assert answer.status_code == 422, (name, pointer, answer.json)
            assert f"{pointer}/{name}" in [fault["pointer"] for fault in answer.json["errors"]]
    assert everything() == before


@pytest.mark.parametrize("path", ["/v1/users/{bob}/suspend", "/v1/users/{bob}/activate"])
def test_a_body_where_none_is_asked_for_says_nothing(
    register: Callable[..., Any], hire: Any, client_of: Any, path: str
) -> None:
    ann = register()
    bob, carl = hire(ann), hire(ann)
    client_of(ann).post(f"{bob.path}/suspend")
    client_of(ann).post(path.format(bob=bob.user_id), json={"user_id": carl.user_id, "role": "admin"})
    seen = client_of(ann).get(carl.path).json
    assert (seen["status"], seen["role"]) == ("active", "user")
    assert client_of(ann).get(bob.path).json["role"] == "user"
