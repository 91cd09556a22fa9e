"""Another tenant's ids on every route: 404 through both walls, and through each wall alone."""

import sys

import pytest

from chassis import context
from chassis.testing.batteries import Owner, load_battery, operations
from chassis.testing.fixtures import Client

CANARY = "canary-of-the-other-tenant"
SCOPE = "shelves:write shelves:purge books:read books:write books:purge books:export"
# Without an id in the path: nothing, nothing of theirs, or a refusal.
UNMOVED = (200, 201, 422)


@pytest.fixture
def battery():
    return load_battery("sample")


@pytest.fixture
def owner(application, tokens, superuser, company_id):
    token = tokens.sign(company_id=company_id, sub="7", scope=SCOPE)
    return Owner(company_id, 7, Client(application.test_client(), token), superuser)


@pytest.fixture
def records(battery, owner):
    return battery.make(owner, CANARY)


@pytest.fixture
def bodies(records):
    """What names the owner's records in bodies of requests whose path names none."""
    book_id = records["book_id"]
    update = {"action": "update", "id": book_id, "version": 1, "values": {"notes": "Mallory"}}
    return {
        "/v1/shelves": {"name": "Mallory"},
        "/v1/books": {"shelf_id": records["shelf_id"], "title": "Mallory"},
        "/v1/books/batch": {"items": [update, {"action": "archive", "id": book_id, "version": 1}]},
        "/v1/books/assign": {"ids": [book_id], "assigned_to": None},
        "/v1/books/bulk-update": {"filter": f"id={book_id}", "changes": {"notes": "Mallory"}},
    }


@pytest.fixture
def attack(*, application, tokens, battery, owner, records, bodies):
    """Try the owner's ids on every route as a stranger who claims to be the owner's user, in the wrong company."""

    def run(unmoved=UNMOVED):
        token = tokens.sign(company_id=owner.company_id + 10**9, sub="7", scope=SCOPE)
        stranger = Client(application.test_client(), token)
        wrong, seen = [], []
        for operation in operations(application):
            given = battery.body(operation)
            if operation.method == "POST" and not operation.by_id:
                given = {"json": bodies[operation.path]}
            asked = ["", f"?id={records['book_id']}"] if operation.method == "GET" and not operation.by_id else [""]
            for question in asked:
                target = battery.target(operation, records) + question
                answer = stranger.request(operation.method, target, version=1, **given)
                refused = answer.status_code == 404 if operation.by_id else answer.status_code in unmoved
                if CANARY in answer.text or not refused or (answer.json or {}).get("succeeded"):
                    wrong.append((f"{operation}{question}", answer.status_code, answer.text))
            seen.append(operation.by_id)
        assert (seen.count(True), seen.count(False)) == (10, 11)
        assert wrong == []
        ours = owner.client.get("/v1/books?fields=version,title").json["data"]
        assert ours == [{"version": 1, "title": CANARY}]

    return run


def test_both_walls_together(attack):
    attack()


def test_row_level_security_alone(attack, owner, monkeypatch):
    """The application's filter is turned on the owner: only row-level security stands in the way."""
    original, turned = context.tenant, 0
    for module in list(sys.modules.values()):
        if getattr(module, "tenant", None) is original and module is not context:
            monkeypatch.setattr(module, "tenant", lambda: owner.company_id)
            turned += 1
    assert turned >= 3
    # What would be written in the owner's name the database itself refuses, which no service foresees.
    attack((*UNMOVED, 500))


def test_the_applications_filter_alone(attack, superuser):
    """Row-level security is switched off on every table: only the application's filter stands in the way."""
    tables = superuser.execute("SELECT relname FROM pg_class WHERE relrowsecurity").fetchall()
    for (table,) in tables:
        superuser.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    try:
        attack()
    finally:
        for (table,) in tables:
            superuser.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
