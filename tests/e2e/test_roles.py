"""Role by route, the whole matrix: 403 exactly where roles.toml and the route's permission say so (S10)."""

import re

import pytest

from chassis.testing.fixtures import Client
from chassis.web.auth import ANYBODY, OF_THEIR_OWN
from identity import rules

CANARY = "canary-of-a-colleague"
TAG = "colleagues"
# Nobody's id; a route that lets the caller through answers 404.
NOBODY = 2**62
# Whose permission is for the caller's own record; for another's the command asks for more.
OF_ONES_OWN = {("PATCH", "/v1/users/{user_id}")}

CALLERS = {role: (role, rules.permissions_of(role, None)) for role in rules.ROLES}
CALLERS |= {
    f"{role}, own records": (role, rules.permissions_of(role, None, "own"))
    for role in rules.ROLES
    if rules.permissions_of(role, None, "own") != rules.permissions_of(role, None)
}
CALLERS["API key without scopes"] = (rules.API_KEY_ROLE, rules.key_permissions([], rules.SCOPES["admin"]))
CALLERS["API key with every scope"] = (
    rules.API_KEY_ROLE,
    rules.key_permissions(rules.KEY_SCOPES, rules.SCOPES["super_admin"]),
)


def operations(applications):
    """Every operation that asks for a token: (service, method, path template, permission)."""
    for name, application in applications.items():
        for path, methods in application.document["paths"].items():
            for method, operation in methods.items():
                if method in ("get", "post", "patch", "put", "delete") and operation.get("security") != []:
                    yield name, method.upper(), path, operation["x-permission"]


@pytest.fixture(scope="module")
def founder(applications):
    """A registered company's founder: identity answers only to users that there are."""
    registration = {
        "company": {"name": "Matrix", "email": "info@matrix.example"},
        "user": {
            "email": "ada@matrix.example",
            "password": "correct horse battery",
            "first_name": "Ada",
            "last_name": "Lovelace",
        },
    }
    registered = Client(applications["identity"].test_client()).post("/v1/auth/register", json=registration)
    assert registered.status_code == 201, registered.json
    return registered.json


@pytest.fixture(scope="module")
def client_as(applications, tokens, founder):
    """A client of a service in the founder's name, with another role and scope; `sub` for another user."""

    def build(service, role, permissions, sub=None):
        token = tokens.sign(
            company_id=founder["company"]["id"],
            sub=str(sub or founder["user"]["id"]),
            role=role,
            scope=rules.scope_of(permissions),
        )
        return Client(applications[service].test_client(), token)

    return build


def allowed(permission, permissions):
    return permission == ANYBODY or not permissions.isdisjoint({permission, permission + OF_THEIR_OWN})


@pytest.mark.parametrize("caller", CALLERS)
def test_the_matrix_of_roles_and_routes_is_exact(applications, client_as, founder, caller):
    role, permissions = CALLERS[caller]
    wrong, tried = [], 0
    for service, method, path, permission in operations(applications):
        client = client_as(service, role, permissions)
        body = {} if method in ("GET", "DELETE") else {"json": {}}
        record = founder["user"]["id"] if (method, path) in OF_ONES_OWN else NOBODY
        answer = client.request(method, re.sub(r"\{[^}]+\}", str(record), path), version=1, **body)
        tried += 1
        refused = answer.status_code == 403 and answer.json["code"] == "permission_missing"
        let_through = answer.status_code not in (401, 403) and answer.status_code < 500
        if not (let_through if allowed(permission, permissions) else refused):
            wrong.append((method, path, permission, answer.status_code, answer.json))
    assert wrong == []
    assert tried >= 20


def test_routes_ask_for_permissions_that_there_are_and_for_all_of_them(applications):
    asked = {permission for *_, permission in operations(applications)} - {ANYBODY}
    assert asked == set(rules.PERMISSIONS)


def test_no_key_reaches_a_route_that_deals_in_credentials(applications):
    kept = {permission for *_, path, permission in operations(applications) if path.startswith("/v1/api-keys")}
    kept |= {
        permission
        for *_, path, permission in operations(applications)
        if path.startswith("/v1/auth/") and permission != ANYBODY
    }
    assert kept
    assert kept & rules.KEY_SCOPES == set()


def test_who_sees_their_own_records_reaches_no_others_by_any_route(applications, client_as, deed):
    """Each kind of record that has an own form, each route of it, within one company."""
    assert set(rules.OWN) == {"customers:read"}
    colleague = client_as("customers", "admin", rules.SCOPES["admin"], sub=4_003)
    created = colleague.post("/v1/customers", json={"name": CANARY, "tags": [TAG]})
    twin = colleague.post("/v1/customers", json={"name": CANARY})
    path = created.headers["Location"]
    contact = colleague.post(f"{path}/contacts", json={"first_name": CANARY})
    merge = {"from": [{"id": twin.json["id"], "version": 1}]}
    merged = colleague.post(f"{path}/merge", json=merge, version=1)
    assert [answer.status_code for answer in (created, twin, contact, merged)] == [201, 201, 201, 200]
    imported = colleague.post("/v1/customers/imports", json={"filename": CANARY})
    ids = {
        "import_id": imported.json["id"],
        "number": 1,
        "customer_id": created.json["id"],
        "contact_id": contact.json["id"],
        "merge_id": merged.json["merge"]["id"],
        "tag": TAG,
    }
    everything_but_all = (rules.SCOPES["admin"] - set(rules.OWN)) | set(rules.OWN.values())
    confined = client_as("customers", "sales_rep", everything_but_all)
    tried = []
    for service, method, path, permission in operations(applications):
        if permission.partition(":")[0] not in {name.partition(":")[0] for name in rules.OWN}:
            continue
        assert service == "customers"
        by_id = "{" in path
        target = re.sub(r"\{([^}]+)\}", lambda match: str(ids[match[1]]), path)
        answer = confined.request(method, target, version=1, **deed(method, path))
        assert CANARY not in answer.get_data(as_text=True), (method, path)
        assert answer.status_code == 404 if by_id else answer.status_code in (200, 415, 422), (method, path)
        tried.append(by_id)
    assert sum(tried) >= 15
    assert CANARY in colleague.get(created.headers["Location"]).get_data(as_text=True)
