"""Another tenant's ids on every route of every service: 404 through both walls, and through each wall alone."""

import re
import sys
import uuid

import psycopg
import pytest

from chassis import context
from chassis.testing.fixtures import Client
from identity import rules

CANARY = "canary-of-the-other-tenant"
SCOPE = rules.scope_of(rules.SCOPES["admin"])
VICTIM, STRANGER = 4_001, 4_002
# What an admin of another company may not do is the matrix of roles' business.
TAG = "vip"
PLATFORM = "platform:"
# Where somebody works is theirs to see in whatever company: in these a stranger is only themselves.
OF_THE_USER = {"/v1/auth/companies", "/v1/companies"}
# Without an id in the path: nothing, nothing of theirs, a refusal of the question or of the one who asks.
UNMOVED = (200, 202, 204, 400, 401, 404, 409, 412, 415, 422)


@pytest.fixture(scope="module")
def superusers(migrated, identity_urls):
    """A superuser's connection to each service's database."""
    urls = {"identity": identity_urls, "customers": migrated("customers"), "audit": migrated("audit")}
    connections = {name: psycopg.connect(url.superuser, autocommit=True) for name, url in urls.items()}
    yield connections
    for connection in connections.values():
        connection.close()


@pytest.fixture(scope="module")
def victim(applications, tokens, superusers):
    """A record of the victim of each kind; answers the ids by the names that paths give them."""
    registration = {
        "company": {"name": CANARY, "email": f"info@{CANARY}.example"},
        "user": {
            "email": f"ada@{CANARY}.example",
            "password": "correct horse battery",
            "first_name": CANARY,
            "last_name": "Lovelace",
        },
    }
    registered = Client(applications["identity"].test_client()).post("/v1/auth/register", json=registration)
    assert registered.status_code == 201, registered.json
    company_id, user_id = registered.json["company"]["id"], registered.json["user"]["id"]
    owner = Client(
        applications["identity"].test_client(), tokens.sign(company_id=company_id, sub=str(user_id), scope=SCOPE)
    )
    key = owner.post("/v1/api-keys", json={"name": CANARY, "scopes": []})
    invitation = owner.post("/v1/invitations", json={"email": f"eve@{CANARY}.example", "role": "user"})
    (session,) = owner.get("/v1/auth/sessions").json["data"]
    client = Client(applications["customers"].test_client(), tokens.sign(company_id=VICTIM, sub="7", scope=SCOPE))
    customer = client.post("/v1/customers", json={"name": CANARY, "email": f"{CANARY}@example.com"})
    twin = client.post("/v1/customers", json={"name": CANARY, "tags": [TAG]})
    path = f"/v1/customers/{twin.json['id']}"
    contact = client.post(f"{path}/contacts", json={"first_name": CANARY})
    imported = client.post("/v1/customers/imports", json={"filename": CANARY})
    for created in (key, invitation, customer, twin, contact, imported):
        assert created.status_code == 201, created.json
    source = {"from": [{"id": customer.json["id"], "version": 1}]}
    merged = client.post(f"{path}/merge", json=source, version=1)
    assert merged.status_code == 200, merged.json
    superusers["audit"].execute(
        """
        INSERT INTO audit_logs (company_id, event_id, event_type, table_name, record_id, action, new_values, created_at)
        VALUES (%s, %s, 'crm.customer.created.v1', 'customers', %s, 'created', %s, now())
        """,
        (VICTIM, uuid.uuid4(), customer.json["id"], psycopg.types.json.Jsonb({"name": CANARY})),
    )
    return {
        "user_id": user_id,
        "company_id": company_id,
        "session_id": session["id"],
        "key_id": key.json["id"],
        "invitation_id": invitation.json["id"],
        "customer_id": twin.json["id"],
        "contact_id": contact.json["id"],
        "merge_id": merged.json["merge"]["id"],
        "import_id": imported.json["id"],
        "number": 1,
        "tag": TAG,
    }


def operations(application):
    """Every operation that asks for a token: (method, path template, operation)."""
    for path, methods in application.document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "patch", "put", "delete") and operation.get("security") != []:
                yield method, path, operation


def attack(applications, tokens, victim, deed):
    """Try the victim's ids on every route as the stranger; a list of (operation, by id, status, answer)."""
    outcomes = []
    for name, application in applications.items():
        for method, path, operation in operations(application):
            if operation["x-permission"].startswith(PLATFORM):
                continue
            # In identity the stranger even claims to be the victim's user, in the wrong company.
            forged = name == "identity" and path not in OF_THE_USER
            token = tokens.sign(company_id=STRANGER, sub=str(victim["user_id"] if forged else 8), scope=SCOPE)
            client = Client(application.test_client(), token)
            target = re.sub(r"\{([^}]+)\}", lambda match: str(victim[match[1]]), path)
            record_id = victim["user_id"] if name == "identity" else victim["customer_id"]
            queries = [""]
            if "{" not in path and method == "get":
                queries += [f"?id={record_id}", f"?record_id={record_id}", f"?name={CANARY}", f"?company_id={VICTIM}"]
                queries += ["?include=total&limit=100&sort=-created_at"]
            for query in queries:
                answer = client.request(method.upper(), target + query, version=1, **deed(method, path))
                outcomes.append(
                    (f"{method} {path}{query}", "{" in path, answer.status_code, answer.get_data(as_text=True))
                )
    return outcomes


def judge(outcomes, *, unmoved=UNMOVED):
    assert sum(by_id for _, by_id, _, _ in outcomes) >= 15
    wrong = [
        (operation, status, text)
        for operation, by_id, status, text in outcomes
        if CANARY in text or not (status == 404 if by_id else status in unmoved)
    ]
    assert wrong == []


def test_both_walls_together(applications, tokens, victim, deed):
    judge(attack(applications, tokens, victim, deed))


def test_row_level_security_alone(applications, tokens, victim, deed, monkeypatch):
    """The application's filter is turned on the victim: only row-level security stands in the way."""
    original, turned = context.tenant, 0
    for module in list(sys.modules.values()):
        if getattr(module, "tenant", None) is original and module is not context:
            monkeypatch.setattr(module, "tenant", lambda: VICTIM)
            turned += 1
    assert turned >= 3
    # What would be written in the victim's name the database itself refuses, which no service foresees.
    judge(attack(applications, tokens, victim, deed), unmoved=(*UNMOVED, 500))


def test_application_filter_alone(applications, tokens, victim, deed, superusers):
    """Row-level security is switched off on every table: only the application's filter stands in the way."""
    connections = list(superusers.values())
    tables = "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p')"
    for connection in connections:
        for (table,) in connection.execute(tables).fetchall():
            connection.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
    try:
        judge(attack(applications, tokens, victim, deed))
    finally:
        for connection in connections:
            forced = "SELECT relname FROM pg_class WHERE relforcerowsecurity AND relkind IN ('r', 'p')"
            for (table,) in connection.execute(forced).fetchall():
                connection.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')


def test_the_victim_sees_its_own(applications, tokens, victim):
    """The attack's questions do find the record when its owner asks them."""
    for name, application in applications.items():
        company_id, subject = (victim["company_id"], victim["user_id"]) if name == "identity" else (VICTIM, 7)
        token = tokens.sign(company_id=company_id, sub=str(subject), scope=SCOPE)
        client = Client(application.test_client(), token)
        found = [
            client.get(path).get_data(as_text=True)
            for method, path, _ in operations(application)
            if method == "get" and "{" not in path
        ]
        assert any(CANARY in text for text in found), name
