"""Role by route, the whole matrix: 403 exactly where roles.toml and the route's permission say so (S10)."""

from collections import defaultdict

import pytest

from chassis.testing.batteries import operations
from chassis.testing.fixtures import Client
from chassis.web.auth import ANYBODY, OF_THEIR_OWN
from identity import rules

CANARY = "canary-of-a-colleague"
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


@pytest.fixture(scope="module")
def asked(applications):
    """Every operation of every service that asks for a token."""
    return [operation for application in applications.values() for operation in operations(application)]


@pytest.fixture(scope="module")
def founder(found):
    """A registered company's founder."""
    return found("matrix")


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


# What a route asks for by what it is to do: to log and change activities of others, to share a view.
WITHIN_ROUTES = {"activities:write:all", "deals:import", "views:share"}


@pytest.mark.parametrize("caller", CALLERS)
def test_the_matrix_of_roles_and_routes_is_exact(asked, client_as, founder, caller):
    role, permissions = CALLERS[caller]
    wrong, tried = [], 0
    for operation in asked:
        client = client_as(operation.service, role, permissions)
        body = {} if operation.method in ("GET", "DELETE") else {"json": {}}
        record = founder["user"]["id"] if (operation.method, operation.path) in OF_ONES_OWN else NOBODY
        target = operation.at(record)
        answer = client.request(operation.method, target, version=1, **body)
        tried += 1
        refused = answer.status_code == 403 and answer.json["code"] == "permission_missing"
        let_through = answer.status_code not in (401, 403) and answer.status_code < 500
        if not (let_through if allowed(operation.permission, permissions) else refused):
            wrong.append((str(operation), operation.permission, answer.status_code, answer.json))
    assert wrong == []
    assert tried >= 20


def test_routes_ask_for_permissions_that_there_are_and_for_all_of_them(asked):
    assert {operation.permission for operation in asked} - {ANYBODY} | WITHIN_ROUTES == set(rules.PERMISSIONS)


def test_no_key_reaches_a_route_that_deals_in_credentials(asked):
    kept = {operation.permission for operation in asked if operation.path.startswith(("/v1/api-keys", "/v1/auth/"))} - {
        ANYBODY
    }
    assert kept
    assert kept & rules.KEY_SCOPES == set()


def test_who_sees_their_own_records_reaches_no_others_by_any_route(asked, batteries, client_as, owner_of, founder):
    """Each kind of record that has an own form, each route of it, within one company."""
    own = defaultdict(list)
    for operation in asked:
        if operation.path in batteries[operation.service].of_the_company:
            continue
        if operation.permission.partition(":")[0] in {name.partition(":")[0] for name in rules.OWN}:
            own[operation.service].append(operation)
    assert {operation.permission for found in own.values() for operation in found} >= set(rules.OWN)
    everything_but_all = (rules.SCOPES["admin"] - set(rules.OWN)) | set(rules.OWN.values())
    for service, found in own.items():
        colleague = owner_of(service, founder["company"]["id"], 4_003)
        ids = batteries[service].make(colleague, CANARY)
        confined = client_as(service, "sales_rep", everything_but_all)
        for operation in found:
            target = batteries[service].target(operation, ids)
            answer = confined.request(operation.method, target, version=1, **batteries[service].body(operation))
            assert CANARY not in answer.get_data(as_text=True), str(operation)
            # A timeline is of a record that the query names: 400 without one. A snapshot is of a day: 404 for one that
            # none was taken on.
            allowed = {404} if operation.by_id else {200, 400, 415, 422}
            missed = answer.status_code == 404 and answer.json["code"] == "snapshot_not_found"
            assert missed or answer.status_code in allowed, (str(operation), answer.json)
        assert sum(operation.by_id for operation in found) >= 1
        shown = [
            colleague.client.get(operation.path).get_data(as_text=True)
            for operation in found
            if operation.method == "GET" and not operation.by_id
        ]
        assert any(CANARY in text for text in shown), service
