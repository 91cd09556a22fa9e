"""The programs in `examples/` do what they say, against a running system."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pika
import pytest
import requests

from chassis.testing.waiting import wait_until
from crm.consumers import Consumers, Wish
from crm.servers.rabbitmq import VHOST

pytestmark = pytest.mark.xdist_group("stack")
EXAMPLES = Path(__file__).parents[2] / "examples"
IDLE = "2"


class Company:
    """A company with an API key, and with a consumer once it is wanted."""

    def __init__(self, stack, register, name):
        self.api = f"{stack.gateway_url}/v1"
        _, answer = register(self.api)
        self.id = answer["company"]["id"]
        self._stack = stack
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"
        scopes = ["customers:read", "customers:write", "customers:export"]
        self.key = self.ask("POST", "/api-keys", json={"name": name, "scopes": scopes}).json()["key"]
        self.environment = {"PATH": os.environ["PATH"], "CRM_URL": self.api, "CRM_API_KEY": self.key}

    def ask(self, method, path, **options):
        answer = self._http.request(method, self.api + path, timeout=15, **options)
        assert answer.ok, answer.text
        return answer

    def add(self, **values):
        return self.ask("POST", "/customers", json=values).json()

    def change(self, customer, **values):
        match = {"If-Match": f'"{customer["version"]}"'}
        return self.ask("PATCH", f"/customers/{customer['id']}", json=values, headers=match).json()

    def consume(self, name):
        wish = Wish(name=f"{name}-{self.id}", company=self.id, events=("customer.*",), days=1, messages=1000)
        access = Consumers(self._stack.rabbitmq.control).add(wish)
        place = self._stack.broker_url().rpartition("@")[2].partition("/")[0]
        self.environment["EVENTS_URL"] = f"amqp://{access.user}:{access.password}@{place}/{VHOST}"
        self.environment["EVENTS_QUEUE"] = access.queue
        return access.queue

    def run(self, *command, **environment):
        done = subprocess.run(
            command, env=self.environment | environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def company(stack, register, request):
    return Company(stack, register, request.node.name)


@pytest.fixture
def broker(stack):
    """A channel of the administrator's, who may put anything anywhere."""
    connection = pika.BlockingConnection(pika.URLParameters(stack.broker_url()))
    channel = connection.channel()
    channel.confirm_delivery()
    yield channel
    connection.close()


def wait_for(channel, queue, count):
    wait_until(lambda: channel.queue_declare(queue, passive=True).method.message_count >= count, 20)


def test_a_copy_of_the_customers_is_made_and_follows_them(company, broker, tmp_path):
    follow = [
        sys.executable,
        str(EXAMPLES / "python" / "follow_customers.py"),
        str(tmp_path / "copy.db"),
        "--idle",
        IDLE,
    ]
    first, second = company.add(name="Before"), company.add(name="Archived")
    match = {"If-Match": f'"{second["version"]}"'}
    company.ask("DELETE", f"/customers/{second['id']}", headers=match)
    queue = company.consume("follow")
    third = company.add(name="Between")
    wait_for(broker, queue, 1)
    method, properties, body = broker.basic_get(queue)
    broker.basic_nack(method.delivery_tag)
    company.run(*follow)
    # Now the same event once more, one that is none, and a change.
    broker.basic_publish("", queue, body, properties)
    broker.basic_publish("", queue, b"no event", properties)
    first = company.change(first, name="After")
    third = company.change(third, city="Riga")
    wait_for(broker, queue, 4)
    company.run(*follow)
    assert broker.queue_declare(queue, passive=True).method.message_count == 0
    assert broker.queue_declare(f"{queue}.dead", passive=True).method.message_count == 1
    found = dict(sqlite3.connect(tmp_path / "copy.db").execute("SELECT id, document FROM customers"))
    assert set(found) == {first["id"], second["id"], third["id"]}
    assert json.loads(found[first["id"]])["name"] == "After"
    assert json.loads(found[second["id"]])["archived_at"] is not None
    assert (json.loads(found[third["id"]])["version"], json.loads(found[third["id"]])["city"]) == (2, "Riga")


def test_customers_of_a_file_are_created_changed_or_left_alone(company, tmp_path):
    sync = [sys.executable, str(EXAMPLES / "python" / "sync_customers.py"), str(tmp_path / "customers.csv")]
    head = "customer_code,name,email,city\n"
    (tmp_path / "customers.csv").write_text(f"{head}A-1,Ada,ada@a.example,London\nA-2,Bob,,Rome\n")
    assert company.run(*sync) == "2 created, 0 changed, 0 unchanged, 0 refused\n"
    (tmp_path / "customers.csv").write_text(f"{head}A-1,Ada,,Riga\nA-2,Bob,,Rome\nA-3,Cid,,\n")
    assert company.run(*sync) == "1 created, 1 changed, 1 unchanged, 0 refused\n"
    data = company.ask("GET", "/customers?sort=name&fields=name,email,city,version").json()["data"]
    assert [tuple(each[name] for name in ("name", "email", "city", "version")) for each in data] == [
        ("Ada", None, "Riga", 2),
        ("Bob", None, "Rome", 1),
        ("Cid", None, None, 1),
    ]
    (tmp_path / "customers.csv").write_text(f"{head}A-1,Ada,no address,Riga\nA-4,Dan,,\n")
    done = subprocess.run(sync, env=company.environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("A-1: validation_failed (422): ")
    assert done.stdout.endswith("1 created, 0 changed, 0 unchanged, 1 refused\n")


@pytest.mark.long
def test_the_consumer_in_typescript_prints_each_change_once(company, broker, tmp_path):
    """It needs Node and npm's registry."""
    shutil.copytree(EXAMPLES / "typescript", tmp_path / "program")
    for command in (["npm", "install", "--no-package-lock", "--silent"], ["npm", "run", "--silent", "build"]):
        subprocess.run(command, cwd=tmp_path / "program", check=True, timeout=300)
    queue = company.consume("node")
    customer = company.add(name="Ada")
    wait_for(broker, queue, 1)
    _, properties, body = broker.basic_get(queue, auto_ack=True)
    for again in (body, body, b"no event"):
        broker.basic_publish("", queue, again, properties)
    company.change(customer, city="Riga")
    wait_for(broker, queue, 4)
    program = ("node", str(tmp_path / "program" / "dist" / "follow.js"))
    options = {"IDLE": IDLE, "SEEN": str(tmp_path / "seen.json")}
    lines = [json.loads(line) for line in company.run(*program, **options).splitlines()]
    assert [(line["type"], line["version"], line["changed"], line["missed"]) for line in lines] == [
        ("crm.customer.created.v1", 1, [], 0),
        ("crm.customer.updated.v1", 2, ["city"], 0),
    ]
    broker.basic_publish("", queue, body, properties)
    assert company.run(*program, **options) == ""
    assert broker.queue_declare(f"{queue}.dead", passive=True).method.message_count == 1
