"""A company that is purged leaves nothing in any table of any service, and another one keeps every row."""

import uuid
from threading import Event as Flag

import pika
import psycopg
import pytest
import requests
from e2e.conftest import SERVICES
from psycopg import sql

from chassis.context import Context, acting_as
from chassis.db import company_purges
from chassis.db.company_purges import CompanyPurges
from chassis.service import load
from chassis.testing.purges import let_purge_settle
from chassis.testing.waiting import wait_until
from crm.consumers import Consumers, Wish

SECONDS = 2.0
PATIENCE = 60
# What tells of the purge itself, by numbers alone.
LEFT = {"company_purges": 1}


def tables_of_companies(connection):
    """All tables that know companies, by the column that they know them by; a partition is seen through its table."""
    found = connection.execute(
        """
        SELECT c.relname, CASE c.relname WHEN 'companies' THEN 'id' ELSE 'company_id' END FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND (c.relname = 'companies'
             OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'company_id'))
        """
    ).fetchall()
    assert len(found) > 2
    return dict(found)


def rows_of(connection, company_id):
    """How many rows a company has in each table; those without any are left out."""
    counted = {}
    for table, column in tables_of_companies(connection).items():
        query = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s")
        (count,) = connection.execute(query.format(*map(sql.Identifier, (table, column))), (company_id,)).fetchone()
        if count:
            counted[table] = count
    return counted


def tables_with(connection, text):
    """The tables in which a text stands anywhere, in columns of bytes too."""
    found = set()
    names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    for (table,) in connection.execute(names).fetchall():
        for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))):
            shown = " ".join(v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in row)
            if text in shown:
                found.add(table)
                break
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_every_row_goes_and_every_row_of_others_stays(*, name, found, batteries, owner_of, superusers, applications):
    service, connection, database = load(name), superusers[name], applications[name].database
    assert {table for table in tables_of_companies(connection) if table != "company_purges"} <= set(
        CompanyPurges(service.metadata)._tables
    ), "a table that knows companies and that no purge knows"
    marks = [f"canary{uuid.uuid4().hex}" for _ in range(2)]
    companies = []
    for mark in marks:
        registered = found(mark)
        owner = owner_of(name, registered["company"]["id"], registered["user"]["id"])
        batteries[name].make(owner, mark)
        companies.append(owner.company_id)
    (gone, other), kept = companies, rows_of(connection, companies[1])
    before = rows_of(connection, gone)
    assert before == kept
    assert {"outbox"} <= set(before) or name == "audit"
    assert tables_with(connection, marks[0])
    purges = CompanyPurges(service.metadata, service.purge_steps)
    # As whoever hears of it notes it.
    connection.execute(
        "INSERT INTO company_purges (company_id, created_by, event_id, correlation_id) VALUES (%s, 7, %s, 'request-1')",
        (gone, uuid.uuid4()),
    )
    with acting_as(Context(company_id=gone, user_id=7, request_id="request-1")):
        let_purge_settle(connection, gone)
        purges.work(database, Flag())
        with database.session() as session:
            assert company_purges.state(session)["state"] == "done"
    assert rows_of(connection, gone) == LEFT
    assert tables_with(connection, marks[0]) == set()
    assert rows_of(connection, other) == kept
    assert tables_with(connection, marks[1])


# In the system as it runs.


class Company:
    """A company whose texts hold a mark, with a customer, a deal and a task."""

    def __init__(self, stack, mark):
        self.stack, self.mark = stack, mark
        self.email, self.password = f"ada@{mark}.example", "correct horse battery"
        body = {
            "company": {"name": mark, "email": f"info@{mark}.example"},
            "user": {"email": self.email, "password": self.password, "first_name": mark, "last_name": "Lovelace"},
        }
        registered = self.send("POST", "/auth/register", token=None, json=body)
        assert registered.status_code == 201, registered.text
        self.tokens = registered.json()
        self.id = self.tokens["company"]["id"]
        customer = self.create("/customers", name=mark)
        self.create("/leads", lead_name=mark, customer_id=customer["id"])
        self.create("/tasks", title=mark, customer_id=customer["id"], due_date="2030-01-01T09:00:00Z")
        self.create("/invitations", email=f"eve@{mark}.example", role="user")
        self.key = self.create("/api-keys", name=mark, scopes=["customers:read"])

    def send(self, method, path, token="", version=None, **options):
        headers = {} if token is None else {"Authorization": f"Bearer {token or self.tokens['access_token']}"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        url = f"{self.stack.gateway_url}/v1{path}"
        return requests.request(method, url, headers=headers, timeout=15, **options)

    def create(self, path, **body):
        made = self.send("POST", path, json=body)
        assert made.status_code == 201, (path, made.text)
        return made.json()

    def sign_in(self):
        body = {"email": self.email, "password": self.password}
        return self.send("POST", "/auth/login", token=None, json=body)

    def exchange(self):
        form = {"grant_type": "client_credentials", "client_id": self.key["prefix"], "client_secret": self.key["key"]}
        return self.send("POST", "/auth/token", token=None, data=form)

    def purge(self, version=1, **changes):
        body = {"name": self.mark, "current_password": self.password} | changes
        return self.send("POST", "/companies/current/purge", version=version, json=body)


@pytest.fixture
def databases(stack):
    """A superuser's connection to each service's database of the system."""
    connections = {name: psycopg.connect(stack.database_url(name, "superuser"), autocommit=True) for name in SERVICES}
    yield connections
    for connection in connections.values():
        connection.close()


def all_recorded(databases, companies):
    """Whether everything that was told of the companies is in the audit log."""
    told = set()
    for name, connection in databases.items():
        if name != "audit":
            rows = connection.execute("SELECT event_id FROM outbox WHERE company_id = ANY (%s)", (companies,))
            told |= {row[0] for row in rows.fetchall()}
    known = databases["audit"].execute("SELECT count(*) FROM audit_logs WHERE event_id = ANY (%s)", (list(told),))
    return known.fetchone() == (len(told),)


@pytest.fixture
def bound(stack):
    """Give another system a queue of a company's events; answers what takes the types of those that have come."""
    consumers = Consumers(stack.rabbitmq.control)
    added = []

    def add(company_id):
        name = f"leaving-{company_id}"
        access = consumers.add(Wish(name=name, company=company_id, events=("*.*",), days=7, messages=1000))
        added.append(name)

        def take():
            types = []
            with pika.BlockingConnection(pika.URLParameters(stack.broker_url())) as connection:
                channel = connection.channel()
                while (got := channel.basic_get(access.queue, auto_ack=True))[0] is not None:
                    types.append(got[0].routing_key)
            return types

        return take

    yield add
    for name in added:
        consumers.remove(name)


@pytest.mark.xdist_group("stack")
@pytest.mark.usefixtures("whole_again")
def test_a_company_goes_everywhere_and_each_service_confirms_it(stack, databases, bound):
    gone, other = (Company(stack, f"canary{uuid.uuid4().hex}") for _ in range(2))
    databases["identity"].execute(
        "UPDATE users SET role = 'super_admin' WHERE lower(email) = %s", (other.email.lower(),)
    )
    operator = other.sign_in().json()["access_token"]
    wait_until(lambda: all_recorded(databases, [gone.id, other.id]), PATIENCE)
    for name, connection in databases.items():
        assert tables_with(connection, gone.mark), name
    kept = {name: rows_of(connection, other.id) for name, connection in databases.items()}

    def progress():
        answer = other.send("GET", f"/companies/{gone.id}/purge", token=operator)
        assert answer.status_code == 200, answer.text
        return {each["service"]: each["state"] for each in answer.json()["services"]}

    assert other.send("GET", f"/companies/{gone.id}/purge", token=operator).status_code == 404
    refused = [gone.purge(name="Another"), gone.purge(current_password="wrong"), gone.purge(version=7)]
    assert [answer.json()["code"] for answer in refused] == ["wrong_name", "wrong_password", "stale_version"]
    assert gone.send("GET", "/auth/me").status_code == 200
    come = bound(gone.id)
    assert gone.send("PATCH", "/companies/current", version=1, json={"city": gone.mark}).status_code == 200
    stack.stop_program("tasks-worker-1")
    assert gone.purge(version=2).status_code == 202
    wait_until(lambda: gone.send("GET", "/customers").status_code == 401, SECONDS)
    refresh = {"refresh_token": gone.tokens["refresh_token"]}
    for answer in (gone.sign_in(), gone.exchange(), gone.send("POST", "/auth/refresh", token=None, json=refresh)):
        assert answer.status_code in {400, 401, 403}, answer.text
    told = ["customers", "pipeline", "audit", "identity"]
    wait_until(lambda: all(rows_of(databases[name], gone.id).get("company_purges") for name in told), PATIENCE)
    assert progress() == dict.fromkeys(SERVICES, "working") | {"tasks": "waiting"}
    for name in ("customers", "audit"):
        stack.kill_program(f"{name}-worker-1")
    for name in told:
        let_purge_settle(databases[name], gone.id)
    wait_until(lambda: progress() == dict.fromkeys(SERVICES, "done") | {"tasks": "waiting"}, PATIENCE)
    assert tables_with(databases["tasks"], gone.mark)
    stack.start_program("tasks-worker-1")
    wait_until(lambda: rows_of(databases["tasks"], gone.id).get("company_purges"), PATIENCE)
    let_purge_settle(databases["tasks"], gone.id)
    wait_until(lambda: set(progress().values()) == {"done"}, PATIENCE)
    for name, connection in databases.items():
        assert tables_with(connection, gone.mark) == set(), name
        # The event, until it is a week old, and the one entry that says who has done it.
        told_by = {"identity": {"outbox": 1}, "audit": {"audit_logs": 1}}.get(name, {})
        assert rows_of(connection, gone.id) == LEFT | told_by, name
        # A job may have added some of its own, such as the snapshot of a day.
        now = rows_of(connection, other.id)
        assert {table: count for table, count in kept[name].items() if now.get(table, 0) < count} == {}, name
    # Who listens from outside has heard of it last.
    assert come()[-1] == f"{gone.id}.company.purged.v1"
    assert come() == []
    entry = databases["audit"].execute(
        "SELECT event_type, user_id, old_values ->> 'name' FROM audit_logs WHERE company_id = %s", (gone.id,)
    )
    assert entry.fetchall() == [("crm.company.purged.v1", gone.tokens["user"]["id"], "Former company")]
