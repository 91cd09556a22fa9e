"""Another tenant's ids on every route of every service: 404 through both walls, and through each wall alone."""

import sys

import pytest

from chassis import context
from chassis.testing.batteries import operations
from chassis.testing.fixtures import Client
from identity import rules

CANARY = "canary-of-the-other-tenant"
SCOPE = rules.scope_of(rules.SCOPES["admin"])
STRANGER = 4_002
# What an admin of another company may not do is the matrix of roles' business.
PLATFORM = "platform:"
# Without an id in the path: nothing, nothing of theirs, a refusal of the question or of the one who asks.
UNMOVED = (200, 202, 204, 400, 401, 404, 409, 412, 415, 422)


@pytest.fixture(scope="module")
def victim(found):
    """The founder of a company, in whose name every service has records."""
    return found(CANARY)


@pytest.fixture(scope="module")
def owners(batteries, owner_of, victim):
    """The victim at each service."""
    return {name: owner_of(name, victim["company"]["id"], victim["user"]["id"]) for name in batteries}


@pytest.fixture(scope="module")
def records(batteries, owners):
    """The ids of a record of the victim of each kind, by service."""
    return {name: battery.make(owners[name], CANARY) for name, battery in batteries.items()}


def questions(operation, owner, ids):
    """The query strings with which to ask an operation for the victim's records."""
    if operation.by_id or operation.method != "GET":
        return [""]
    record_id = next(iter(ids.values()))
    by_record = [f"?id={record_id}", f"?record_id={record_id}", f"?name={CANARY}"]
    return ["", *by_record, f"?company_id={owner.company_id}", "?include=total&limit=100&sort=-created_at"]


@pytest.fixture
def attack(applications, tokens, batteries, owners, records):
    """Try the victim's ids on every route as the stranger; a list of (operation, status, answer)."""

    def run():
        outcomes = []
        for name, application in applications.items():
            battery, owner = batteries[name], owners[name]
            for operation in operations(application):
                if operation.permission.startswith(PLATFORM):
                    continue
                # The stranger even claims to be the victim's user, in the wrong company.
                subject = 8 if operation.path in battery.of_the_caller else owner.user_id
                token = tokens.sign(company_id=STRANGER, sub=str(subject), scope=SCOPE)
                client = Client(application.test_client(), token)
                for query in questions(operation, owner, records[name]):
                    target = battery.target(operation, records[name]) + query
                    answer = client.request(operation.method, target, version=1, **battery.body(operation))
                    outcomes.append((operation, query, answer.status_code, answer.get_data(as_text=True)))
        return outcomes

    return run


def judge(outcomes, *, unmoved=UNMOVED):
    assert sum(operation.by_id for operation, *_ in outcomes) >= 15
    wrong = [
        (f"{operation}{query}", status, text)
        for operation, query, status, text in outcomes
        if CANARY in text or not (status == 404 if operation.by_id else status in unmoved)
    ]
    assert wrong == []


def test_both_walls_together(attack):
    judge(attack())


def test_row_level_security_alone(attack, victim, monkeypatch):
    """The application's filter is turned on the victim: only row-level security stands in the way."""
    original, turned = context.tenant, 0
    for module in list(sys.modules.values()):
        if getattr(module, "tenant", None) is original and module is not context:
            monkeypatch.setattr(module, "tenant", lambda: victim["company"]["id"])
            turned += 1
    assert turned >= 3
    # What would be written in the victim's name the database itself refuses, which no service foresees.
    judge(attack(), unmoved=(*UNMOVED, 500))


def test_application_filter_alone(attack, superusers):
    """Row-level security is switched off on every table: only the application's filter stands in the way."""
    connections = list(superusers.values())
    tables = "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p')"
    for connection in connections:
        for (table,) in connection.execute(tables).fetchall():
            connection.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
    try:
        judge(attack())
    finally:
        for connection in connections:
            forced = "SELECT relname FROM pg_class WHERE relforcerowsecurity AND relkind IN ('r', 'p')"
            for (table,) in connection.execute(forced).fetchall():
                connection.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')


def test_the_victim_sees_its_own(applications, owners, records):
    """The attack's questions do find the records when their owner asks them."""
    for name, application in applications.items():
        assert records[name]
        owner = owners[name]
        lists = [
            operation for operation in operations(application) if operation.method == "GET" and not operation.by_id
        ]
        asked = [f"{each.path}{query}" for each in lists for query in questions(each, owner, records[name])]
        assert any(CANARY in owner.client.get(target).get_data(as_text=True) for target in asked), name
