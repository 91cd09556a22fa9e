"""`crm upgrade`: refused before anything is changed where there is no way back, and without a gap where there is one."""

import threading
import uuid
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
import requests

from chassis.testing.waiting import wait_until
from crm import doctor, upgrading
from crm.backup.options import dumps_of
from crm.backup.shelf import Shelf
from crm.errors import OperatorError
from crm.settings import KINDS, SERVICES
from crm.upgrading import Upgrade

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.usefixtures("whole_again")]
DROPS = "def upgrade():\n    op.execute('ALTER TABLE customers DROP COLUMN city')\n"


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "backups")


@pytest.fixture
def upgrade(stack, shelf):
    return Upgrade(stack, dumps_of(stack), shelf, lambda *_: None)


@pytest.fixture
def customers(stack):
    with psycopg.connect(stack.database_url("customers", "superuser"), autocommit=True) as connection:
        yield connection


@contextmanager
def at(connection, revision):
    """The database of a stack as one of another release says it is."""
    [(before,)] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))
    try:
        yield
    finally:
        connection.execute("UPDATE alembic_version SET version_num = %s", (before,))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (DROPS, True),
        ("def upgrade():\n    op.execute('DROP TABLE deals CASCADE')\n", True),
        ("def upgrade():\n    op.drop_column('customers', 'city')\n", True),
        ("def upgrade():\n    op.execute('ALTER TABLE a RENAME COLUMN b TO c')\n", True),
        ("def upgrade():\n    op.execute('truncate deals')\n", True),
        ("def upgrade():\n    op.execute('DROP INDEX ix')\n", False),
        ("def upgrade():\n    op.execute('ALTER TABLE a ADD COLUMN b TEXT')\n", False),
        ("def upgrade():\n    pass\n\n\ndef downgrade():\n    op.execute('DROP TABLE a')\n", False),
    ],
)
def test_what_the_release_before_cannot_live_with_is_seen(tmp_path, text, found):
    migration = tmp_path / "0002_more.py"
    migration.write_text(text)
    assert upgrading.contracts(migration) is found


def test_a_database_of_a_newer_release_is_left_alone(upgrade, customers, shelf):
    with at(customers, "9999"), pytest.raises(OperatorError, match="customers's database is at 9999"):
        upgrade.run()
    assert shelf.all() == []


def test_a_migration_with_no_way_back_is_refused_before_anything_is_changed(
    upgrade, customers, shelf, tmp_path, monkeypatch
):
    folder = tmp_path / "customers" / "migrations" / "versions"
    folder.mkdir(parents=True)
    (folder / "9998_without_cities.py").write_text(DROPS)
    known = doctor.migrations
    more = {"customers": [folder / "9998_without_cities.py"]}
    monkeypatch.setattr(doctor, "migrations", lambda service: known(service) + more.get(service, []))
    with pytest.raises(OperatorError, match="customers 9998_without_cities: go on with --contract"):
        upgrade.run()
    assert shelf.all() == []
    [(count,)] = customers.execute(
        "SELECT count(*) FROM information_schema.columns WHERE table_name = 'customers' AND column_name = 'city'"
    ).fetchall()
    assert count == 1
    monkeypatch.setattr(upgrade, "_wrong", list)  # Whether the machine is well is another question.
    assert upgrade._preflight(contract=True) == more["customers"]


def test_a_stack_that_is_not_well_is_not_upgraded(upgrade, stack, shelf):
    stack.stop_program("tasks-worker-1")
    try:
        with pytest.raises(OperatorError, match="tasks-worker-1: not running"):
            upgrade.run()
    finally:
        stack.start_program("tasks-worker-1")
    assert shelf.all() == []


def test_who_waits_for_a_server_waits_until_the_gateway_sends_requests_to_it(stack):
    server = "customers/customers1"

    def taken_for_gone():
        stack.gateway.tell(f"set server {server} health down")
        return requests.get(f"{stack.gateway_url}/readyz", timeout=10).status_code == 503

    # HAProxy's next check, which finds the server well, may come before the question.
    wait_until(taken_for_gone)
    stack.gateway.wait_for(server)
    assert requests.get(f"{stack.gateway_url}/readyz", timeout=10).status_code == 200
    with pytest.raises(OperatorError, match="has not found customers/nobody ready"):
        stack.gateway.wait_for("customers/nobody", timeout=0.2)


class Caller(threading.Thread):
    """Reads and writes customers, one request after the other, and counts what came of it."""

    def __init__(self, api, headers, stop):
        super().__init__(daemon=True)
        self._api, self._headers, self._stop_asking = api, headers, stop
        self.made, self.answers, self.failed = [], [], []

    def run(self):
        with requests.Session() as session:
            session.headers.update(self._headers)
            while not self._stop_asking.is_set():
                created = session.post(f"{self._api}/customers", json={"name": f"C {uuid.uuid4()}"}, timeout=60)
                if self._count(created) == 201:
                    self.made.append(created.json()["id"])
                self._count(session.get(f"{self._api}/customers?limit=5", timeout=60))

    def _count(self, answer):
        self.answers.append(answer.status_code)
        if not answer.ok:
            self.failed.append((answer.request.method, answer.text))
        return answer.status_code


@pytest.mark.long
def test_every_program_is_replaced_and_no_request_fails(stack_factory, shelf):
    stack = stack_factory(web_processes=2)
    api = f"{stack.gateway_url}/v1"
    mark = uuid.uuid4().hex[:10]
    user = {"email": f"a@{mark}.example", "password": "correct horse battery", "first_name": "A", "last_name": "B"}
    body = {"company": {"name": mark, "email": f"i@{mark}.example"}, "user": user}
    token = requests.post(f"{api}/auth/register", json=body, timeout=60).json()["access_token"]
    names = [row.name for row in stack.programs()]
    before = {name: stack.pid(name) for name in names}
    # Another release tells its processes something else.
    stack.settings = replace(stack.settings, log_level="warning")
    stop = threading.Event()
    callers = [Caller(api, {"Authorization": f"Bearer {token}"}, stop) for _ in range(3)]
    for caller in callers:
        caller.start()
    rolled = []
    backup = Upgrade(
        stack, dumps_of(stack), shelf, lambda what, said, _: rolled.append(said) if what == "roll" else None
    ).run()
    stop.set()
    for caller in callers:
        caller.join(120)
    answers = [answer for caller in callers for answer in caller.answers]
    made = [record for caller in callers for record in caller.made]
    assert len(answers) > 20
    assert [failure for caller in callers for failure in caller.failed] == []
    assert set(answers) == {200, 201}
    assert len(made) == len(set(made)) == answers.count(201)
    of_services = {name for name in names if name.rsplit("-", 2)[0] in SERVICES and name.rsplit("-", 2)[1] in KINDS}
    assert set(rolled) == of_services
    assert all(stack.pid(name) != before[name] for name in of_services)
    assert all(stack.pid(name) == before[name] for name in ("postgres", "rabbitmq", "gateway"))
    assert shelf.get(None).name == backup.name
    with psycopg.connect(stack.database_url("customers", "superuser")) as connection:
        rows = connection.execute("SELECT count(*) FROM customers WHERE name LIKE 'C %'").fetchone()
    assert rows == (len(made),)
