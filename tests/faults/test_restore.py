"""A service restored to a point before five kinds of change, in a world that has heard of them, is healed.

One service in every run, each of them in `make test-faults`.
"""

import uuid
from dataclasses import dataclass, field
from importlib import import_module

import orjson
import psycopg
import pytest
import requests

from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.healing.kinds import kinds_of, views_in
from chassis.testing.waiting import wait_until
from crm.backup.native import FromBackup
from crm.backup.options import dumps_of
from crm.backup.restoring import Restoration
from crm.backup.shelf import Shelf
from crm.client.api import Api, fixed
from crm.client.demo import Member
from crm.client.seed_members import join_members

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.long]
PASSWORD = "correct horse battery"
SERVICES = ("customers", "pipeline", "tasks", "identity", "audit")
# Parts before their wholes: who archives a customer archives its deals.
KINDS = [
    ("task", "tasks", "title"),
    ("deal", "deals", "deal_name"),
    ("lead", "leads", "lead_name"),
    ("customer", "customers", "name"),
]
# What a service keeps of whose records: the table here, its key, the service and the table there.
REFERENCES = [
    ("pipeline", "customer_refs", "customer_id", "customers", "customers"),
    ("tasks", "customer_refs", "customer_id", "customers", "customers"),
    ("tasks", "lead_refs", "lead_id", "pipeline", "leads"),
    ("tasks", "deal_refs", "deal_id", "pipeline", "deals"),
    ("customers", "user_refs", "membership_id", "identity", "user_companies"),
    ("pipeline", "user_refs", "membership_id", "identity", "user_companies"),
    ("tasks", "user_refs", "membership_id", "identity", "user_companies"),
]


@dataclass
class World:
    """A company with records in every service, of which some change after the backup."""

    stack: object
    token: str
    company_id: int
    email: str
    records: dict = field(default_factory=dict)

    def ask(self, method, path, status, version=None, **body):
        headers = {"Authorization": f"Bearer {self.token}"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        url = f"{self.stack.gateway_url}/v1{path}"
        answer = requests.request(
            method, url, json=body if method in ("POST", "PATCH") else None, headers=headers, timeout=20
        )
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def get(self, path, status=200):
        return self.ask("GET", path, status)

    def make(self, called, path, **body):
        self.records[called] = self.ask("POST", path, 201, **body)
        return self.records[called]["id"]

    def path(self, name, kind):
        return f"/{kind}/{self.records[name]['id']}"

    def purge(self, name, kind):
        path, version = self.path(name, kind), self.records[name]["version"]
        self.ask("DELETE", path, 204, version)
        self.ask("POST", f"{path}/purge", 204, version + 1)

    def sign_in(self, email=None, password=PASSWORD, status=200):
        body = {"email": email or self.email, "password": password}
        answer = requests.post(f"{self.stack.gateway_url}/v1/auth/login", json=body, timeout=20)
        assert answer.status_code == status, answer.text
        if status == 200:
            return answer.json()["access_token"]
        return None

    def join(self, name):
        email = f"{name}@{self.email.partition('@')[2]}"
        member = Member(email=email, first_name=name, last_name="Jones", role="user")
        join_members(
            Api(self.stack.gateway_url, fixed(self.token)),
            self.stack.gateway_url,
            [member],
            {email: PASSWORD},
            self.stack.home / "mail",
        )
        listed = self.get("/users?limit=100")["data"]
        self.records[name] = next(each for each in listed if each["email"] == email)
        return email

    def begin(self):
        """What is in the backup."""
        for name in ("changed", "archived", "purged", "source", "target"):
            customer = self.make(
                f"customer {name}", "/customers", name=f"Customer {name}", email=f"{uuid.uuid4().hex}@x.example"
            )
            self.make(f"lead {name}", "/leads", lead_name=f"Lead {name}", customer_id=customer)
            deal = {"deal_name": f"Deal {name}", "customer_id": customer, "deal_value": "100.00"}
            if name != "purged":  # It would go with its customer.
                self.make(f"deal {name}", "/deals", **deal)
            self.make(f"task {name}", "/tasks", title=f"Task {name}")
        self.make("deal purged", "/deals", **{**deal, "deal_name": "Deal purged"})
        self.bob = self.join("bob")
        self.make("key", "/api-keys", name="Key", scopes=["customers:read"])

    def go_on(self):
        """What happens after it: records are made, changed, archived and purged, and what each service does besides."""
        for noun, kind, name in KINDS:
            changed = self.records[f"{noun} changed"]
            self.ask("PATCH", f"/{kind}/{changed['id']}", 200, changed["version"], **{name: f"{noun} after"})
            self.ask("DELETE", self.path(f"{noun} archived", kind), 204, self.records[f"{noun} archived"]["version"])
        new = self.make("customer new", "/customers", name="Customer new", email=f"{uuid.uuid4().hex}@x.example")
        lead = self.make("lead new", "/leads", lead_name="Lead new", customer_id=new)
        deal = self.make("deal new", "/deals", deal_name="Deal new", customer_id=new, deal_value="7.00")
        self.make("task new", "/tasks", title="Task new", deal_id=deal)
        self.make("task of lead", "/tasks", title="Task of lead", lead_id=lead)
        for noun, kind in (("task", "tasks"), ("deal", "deals"), ("lead", "leads"), ("customer", "customers")):
            self.purge(f"{noun} purged", kind)
        self.ask("POST", f"{self.path('deal target', 'deals')}/win", 200, self.records["deal target"]["version"])
        self.ask("POST", f"{self.path('task target', 'tasks')}/complete", 200, self.records["task target"]["version"])
        source = {"id": self.records["customer source"]["id"], "version": 1}
        self.ask("POST", f"{self.path('customer target', 'customers')}/merge", 200, 1, **{"from": [source]})
        self.ask("DELETE", self.path("key", "api-keys"), 204, self.records["key"]["version"])
        company = self.get("/companies/current")
        self.ask("PATCH", "/companies/current", 200, company["version"], city="Rome")
        self.eve = self.join("eve")
        bob = World(self.stack, self.sign_in(self.bob), self.company_id, self.bob)
        bob.ask("POST", "/auth/password", 204, current_password=PASSWORD, new_password="another horse battery")

    def settle(self):
        """Wait until every event is published and has had its effects."""
        wait_until(self.unsettled, 60, pause=0.1, so=lambda left: not left)

    def unsettled(self):
        """How many events each service has yet to publish and the audit log to hear, and references that are stale."""
        waiting = {
            service: self.read(service, "SELECT count(*) FROM outbox_pending")[0][0]
            for service in ("identity", "customers", "pipeline", "tasks")
        }
        published = sum(
            self.read(service, "SELECT count(*) FROM outbox WHERE company_id = %s", self.company_id)[0][0]
            for service in waiting
        )
        heard = self.read("audit", "SELECT count(*) FROM audit_logs WHERE company_id = %s", self.company_id)[0][0]
        left = waiting | {"audit": max(published - heard, 0), "stale": self.stale()}
        return {name: what for name, what in left.items() if what}

    def read(self, service, query, *values):
        with psycopg.connect(self.stack.database_url(service, "superuser")) as connection:
            return connection.execute(query, values).fetchall()

    def stale(self):
        """The references that are not as their owner has them."""
        found = []
        for service, table, key, owner, there in REFERENCES:
            query = f"SELECT {key}, max(version) FROM {table} WHERE company_id = %s AND {key} > 0 GROUP BY 1"  # noqa: S608
            kept = dict(self.read(service, query, self.company_id))
            query = f"SELECT id, version FROM {there} WHERE company_id = %s"  # noqa: S608
            known = dict(self.read(owner, query, self.company_id))
            found += [
                (service, table, number, kept.get(number), known.get(number))
                for number in kept.keys() | known.keys()
                if kept.get(number) != known.get(number)
            ]
        return found


@pytest.fixture
def world(stack, register):
    sent, registered = register(f"{stack.gateway_url}/v1")
    world = World(stack, registered["access_token"], registered["company"]["id"], sent["user"]["email"])
    world.begin()
    return world


def disagreeing(world, service):
    """The records of a service of which the audit log's last word is another, and versions that were told twice."""
    query = """
        SELECT DISTINCT ON (table_name, record_id) table_name, record_id, new_values FROM audit_logs
        WHERE source = %s AND company_id = %s AND table_name <> 'users'
        ORDER BY table_name, record_id, coalesce((new_values->>'version')::int, (old_values->>'version')::int + 1) DESC
    """
    told = {(table, number): values for table, number, values in world.read("audit", query, service, world.company_id)}
    kinds = kinds_of(import_module(f"{service}.events").PUBLISHED, views_in(import_module(f"{service}.views")))
    database = Database(world.stack.database_url(service, "owner"))
    wrong = []
    with acting_as(Context(company_id=world.company_id)), database.transaction() as session:
        session.begin()
        for (table, number), values in told.items():
            if table in kinds:
                rows = session.fetch(kinds[table].document, of_id=number)
                there = orjson.loads(rows[0][0]) if rows else None
                if there != values:
                    wrong.append((table, number, values, there))
    database.dispose()
    twice = """
        SELECT table_name, record_id, new_values->>'version' FROM audit_logs
        WHERE source = %s AND company_id = %s AND new_values IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1
    """
    return wrong + world.read("audit", twice, service, world.company_id)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_restored_into_a_world_that_went_on_agrees_with_it(world, service, tmp_path):
    stack = world.stack
    world.settle()
    dumps = dumps_of(stack)
    backup = dumps.make(Shelf(tmp_path), stack.credentials.path)
    world.go_on()
    world.settle()
    logged = set(world.read("audit", "SELECT event_id FROM audit_logs WHERE company_id = %s", world.company_id))
    said = []
    source = FromBackup(stack, dumps, backup)
    complete = Restoration(source, backup.began, lambda *step: said.append(step)).one(service)
    left = [step for step in said if step[1].startswith("left:")]
    assert complete == (not left)
    if service == "identity":
        refused = requests.get(
            f"{stack.gateway_url}/v1/users", headers={"Authorization": f"Bearer {world.token}"}, timeout=10
        )
        assert refused.status_code == 401
        world.sign_in(world.bob, PASSWORD, 401)
        world.token = world.sign_in()
    world.settle()
    assert logged <= set(world.read("audit", "SELECT event_id FROM audit_logs WHERE company_id = %s", world.company_id))
    for source in ("identity", "customers", "pipeline", "tasks"):
        wrong = [
            each for each in disagreeing(world, source) if not any(f"{each[0]}/{each[1]} " in line[1] for line in left)
        ]
        assert wrong == []
    check_policies(world, service)
    # What happens from now on is heard by everybody, under ids and versions that nobody has seen.
    before = world.records["customer new"]["id"]
    new = world.make("customer last", "/customers", name="Customer last")
    assert new > before
    deal = world.make("deal last", "/deals", deal_name="Deal last", customer_id=new, deal_value="1.00")
    world.make("task last", "/tasks", title="Task last", deal_id=deal)
    for noun, kind, name in (
        ("customer", "customers", "name"),
        ("deal", "deals", "deal_name"),
        ("task", "tasks", "title"),
    ):
        path = world.path(f"{noun} changed", kind)
        world.ask("PATCH", path, 200, world.get(path)["version"], **{name: f"{noun} at last"})
    world.settle()


def check_policies(world, service):
    """What was purged stays away; what was made is there; what was changed is as it was in the service's backup."""
    for noun, kind, name in KINDS:
        world.get(world.path(f"{noun} purged", kind), 404)
        assert world.get(world.path(f"{noun} new", kind))[name] == f"{noun.capitalize()} new"
        restored = service == {"customers": "customers", "tasks": "tasks"}.get(kind, "pipeline")
        expected = f"{noun.capitalize()} changed" if restored else f"{noun} after"
        assert world.get(world.path(f"{noun} changed", kind))[name] == expected
    assert world.get("/companies/current")["city"] == "Rome"
    keys = {each["id"]: each["revoked_at"] for each in world.get("/api-keys")["data"]}
    assert keys.get(world.records["key"]["id"], "gone") is not None
    assert {each["email"] for each in world.get("/users?limit=100")["data"]} == {world.email, world.bob, world.eve}
