"""Whatever identity publishes is what its contract says; from here the examples in contracts/ are taken."""

from collections.abc import Callable
from typing import Any

import psycopg

from chassis.testing.contracts import HoldToContracts
from chassis.testing.fixtures import Client
from identity.events import PUBLISHED


def test_every_event_is_what_its_contract_says(
    *,
    http: Any,
    register: Callable[..., Any],
    hire: Callable[..., Any],
    join: Callable[..., Any],
    log_in: Callable[..., Any],
    change: Callable[..., Any],
    client_of: Callable[..., Any],
    letters: Callable[..., Any],
    token_of: Callable[..., Any],
    superuser: psycopg.Connection,
    published: Callable[..., Any],
    hold_to_contracts: HoldToContracts,
) -> None:
    ann, ben = register(), register()
    admin = client_of(ann)
    http.post("/v1/auth/email/verify", json={"token": token_of(letters(ann.email)[0])})
    log_in(ann.email)
    made = admin.post("/v1/api-keys", json={"name": "Nightly import", "scopes": ["customers:read"]})
    assert admin.delete(made.headers["Location"], version=1).status_code == 204
    change_company(superuser, http, admin, ann, ben)
    bob, eve = hire(ann), hire(ann, "sales_rep")
    # Who is a member of nothing else cannot be removed.
    join(bob.user_id, ben.company_id)
    save_views(admin, bob)
    change_members(admin, bob, eve)
    purge(admin, hire(ann), eve)
    emails = invite(admin, ann, superuser)
    acceptance = {"token": token_of(letters(emails[0])[-1]), "first_name": "Nora", "last_name": "New"}
    joined = http.post("/v1/invitations/accept", json={**acceptance, "password": "correct horse battery"})
    assert joined.status_code == 200
    change(ann.headers, ann.password)
    purge_company(admin, ann)
    names = {ann.answer["company"]["email"]: "info@acme.example", ann.email: "ann@acme.example"}
    names |= {made.json["prefix"]: "k7Qm2xR4", emails[0]: "nora@acme.example", emails[1]: "otto@acme.example"}
    events = published(ann.company_id)
    for user in (each["data"]["after"]["user"] for each in events if (each["data"]["after"] or {}).get("user")):
        names.setdefault(user["email"], f"{user['first_name'].lower()}@acme.example")
    hold_to_contracts(events, PUBLISHED, names=names)


def change_company(superuser: psycopg.Connection, http: Any, admin: Client, ann: Any, ben: Any) -> None:
    """What the company and an operator of the platform do to it."""
    superuser.execute("UPDATE users SET role = 'super_admin' WHERE id = %s", (ben.user_id,))
    operator = Client(
        http, http.post("/v1/auth/login", json={"email": ben.email, "password": ben.password}).json["access_token"]
    )
    settings = {"settings": {"visibility": "own"}}
    assert admin.patch("/v1/companies/current", json=settings, version=1).status_code == 200
    assert operator.post(f"/v1/companies/{ann.company_id}/suspend").status_code == 200
    assert operator.post(f"/v1/companies/{ann.company_id}/activate").status_code == 200


def save_views(admin: Client, bob: Any) -> None:
    """What somebody looks at: saved, shared, and gone with who saved it."""
    view = {"screen": "customers", "query": "status=active&sort=-created_at", "columns": ["name", "city"]}
    made = admin.post("/v1/views", json={**view, "name": "Active ones"})
    assert admin.patch(made.headers["Location"], json={"shared": True}, version=1).status_code == 200
    assert bob.client.post("/v1/views", json={**view, "name": "Mine"}).status_code == 201
    for theme in ("dark", "light"):
        assert bob.client.patch("/v1/preferences", json={"settings": {"theme": theme}}).status_code == 200


def change_members(admin: Client, bob: Any, eve: Any) -> None:
    """What happens to members: one is changed, the other goes."""
    change = {"role": "manager", "permissions": {"grant": ["customers:purge"]}, "phone": "+1-555-0100"}
    assert admin.patch(eve.path, json=change, version=1).status_code == 200
    admin.post(f"{bob.path}/suspend")
    admin.post(f"{bob.path}/activate")
    admin.post(f"{bob.path}/deactivate", json={"transfer": {"customers": {"to": eve.user_id}}})
    assert admin.delete(bob.path, version=4).status_code == 204


def purge(admin: Client, gus: Any, eve: Any) -> None:
    """Somebody goes for good."""
    admin.post(f"{gus.path}/deactivate", json={})
    assert admin.post(f"{gus.path}/purge", json={"transfer_to": eve.user_id}, version=2).status_code == 204


def purge_company(admin: Client, ann: Any) -> None:
    """At last the company itself goes."""
    company = admin.get("/v1/companies/current").json
    body = {"name": company["name"], "current_password": "another horse battery"}
    assert admin.post("/v1/companies/current/purge", json=body, version=company["version"]).status_code == 202


def invite(admin: Client, ann: Any, superuser: psycopg.Connection) -> list[str]:
    """Two are invited; the second invitation is withdrawn. Answers their addresses."""
    emails = [f"{name}-{ann.company_id}@acme.example" for name in ("one", "two")]
    one, two = (admin.post("/v1/invitations", json={"email": email, "role": "user"}).json["id"] for email in emails)
    superuser.execute("UPDATE login_throttles SET blocked_until = now(), updated_at = now() - interval '2 minutes'")
    assert admin.post(f"/v1/invitations/{one}/resend").status_code == 200
    assert admin.delete(f"/v1/invitations/{two}", version=1).status_code == 204
    return emails
