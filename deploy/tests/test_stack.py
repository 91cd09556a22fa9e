"""A whole stack: it starts, heals, scales, can be looked at, and leaves nothing behind."""

import os
import re
import signal
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from chassis.testing.certificates import make_certificate
from chassis.testing.waiting import wait_until
from crm import cli
from crm.broker_rights import TOPOLOGY, user_of, users
from crm.client import seed
from crm.client.api import Api
from crm.client.demo import NORTHWIND, TENANTS, contacts
from crm.environment import mail_folder, secret_environment, servers, withheld
from crm.errors import OperatorError
from crm.http_client import ask
from crm.memory import proportional_sets
from crm.ports import free_port
from crm.sandbox import temporary_home
from crm.servers.rabbitmq import BrokerUser
from crm.settings import SENDS_LETTERS, SERVICES, for_tests
from crm.stack import Stack

pytestmark = pytest.mark.xdist_group("deploy-stack")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls") / "tls.pem")


@pytest.fixture(scope="module")
def stack(certificate):
    tls = {"tls_bind": f"127.0.0.1:{free_port()}", "tls_certificate": str(certificate)}
    made = Stack(temporary_home("crm-deploy-"), for_tests(**tls), attached=True)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def processes_of(home):
    """Command lines and environments that name the home."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(home).encode() in text:
                found[int(entry.name)] = text.decode(errors="replace")
    return found


def invoke(home, *arguments, **environment):
    return CliRunner().invoke(cli.main, ["--home", str(home), *arguments], env=environment)


def test_every_program_is_ready(stack):
    rows = stack.programs()
    assert {row.name for row in rows} >= {f"{name}-{kind}-1" for name in SERVICES for kind in ("web", "worker")}
    assert [(row.name, row.state, row.reason) for row in rows if row.state != "RUNNING" or row.reason] == []


def test_a_program_that_answers_is_running_within_its_first_second(stack):
    stack.stop_program("gateway-agent")
    stack.start_program("gateway-agent")
    [row] = [row for row in stack.programs() if row.name == "gateway-agent"]
    assert (row.pid > 0, row.reason) == (True, "")
    wait_until(lambda: stack.statuses()["gateway-agent"].state == "RUNNING")


def test_who_has_only_the_address_of_the_gateway_finds_the_documentation(stack):
    start = requests.get(stack.gateway_url, timeout=10)
    assert start.status_code == 200
    for member in ("openapi", "asyncapi", "documentation"):
        assert requests.get(stack.gateway_url + start.json()[member], timeout=10).status_code == 200
    document = requests.get(stack.gateway_url + start.json()["openapi"], timeout=10).json()
    reached = {
        path: requests.get(stack.gateway_url + path, timeout=10).status_code for path in ("/v1/auth/me", "/docs/nix")
    }
    assert "/v1/auth/me" in document["paths"]
    assert reached == {"/v1/auth/me": 401, "/docs/nix": 404}


def test_starting_a_running_stack_again_restarts_nothing(stack):
    before = {name: status.pid for name, status in stack.statuses().items()}
    stack.up()
    assert {name: status.pid for name, status in stack.statuses().items()} == before


def test_status_tells_the_memory_of_each_program_with_the_processes_that_it_started(stack):
    memory = {row.name: row.memory for row in stack.programs()}
    assert all(memory.values())
    web = stack.statuses()["customers-web-1"].pid
    alone = proportional_sets([web])[web]
    assert memory["customers-web-1"] == pytest.approx(alone, rel=0.5)
    workers = [int(name) for name in Path(f"/proc/{web}/task/{web}/children").read_text().split()]
    assert workers
    assert sum(proportional_sets(workers).values()) < alone
    assert proportional_sets([2**22 + 1]) == {}


def test_the_gateway_speaks_tls_beside_the_plain_port_and_takes_over_a_renewed_certificate(stack, certificate):
    port = int(stack.settings.tls_bind.rpartition(":")[2])

    def shown():
        return ssl.get_server_certificate(("127.0.0.1", port))

    address = f"https://localhost:{port}/readyz"
    assert requests.get(address, verify=str(certificate), timeout=10).status_code == 200
    before, gateway = shown(), stack.pid("gateway")
    renewed = make_certificate(certificate.with_name("renewed.pem"))
    renewed.replace(certificate)
    wait_until(lambda: shown() != before, 60, pause=0.1)
    assert requests.get(address, verify=str(certificate), timeout=10).status_code == 200
    assert stack.pid("gateway") == gateway


def test_no_secret_is_in_a_command_line_or_in_a_file_that_others_may_read(stack):
    secrets = list(stack.credentials.values())
    assert len(secrets) > 10
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                command = (entry / "cmdline").read_text(errors="replace")
            except OSError:
                continue
            assert not any(secret in command for secret in secrets), command
    for path in stack.home.rglob("*"):
        owner_only = any(parent.stat().st_mode & 0o077 == 0 for parent in (path, *path.parents) if parent != stack.home)
        if path.is_file() and not owner_only:
            text = path.read_text(errors="replace")
            assert not any(secret in text for secret in secrets), path


def test_web_and_worker_never_get_the_owners_url(stack):
    for row in stack.programs():
        if row.name.rpartition("-")[0].rpartition("-")[0] in SERVICES:
            environment = Path(f"/proc/{row.pid}/environ").read_bytes()
            assert b"DATABASE_URL=" in environment
            assert b"OWNER_DATABASE_URL" not in environment


def test_a_killed_program_comes_back(stack):
    before = stack.kill_program("audit-worker-1", signal.SIGKILL)
    wait_until(lambda: stack.statuses()["audit-worker-1"].pid not in (0, before), 20)
    stack.wait_ready()


def test_scaled_web_processes_share_the_gateways_requests(stack):
    stack.scale("customers", "web", 2)
    assert len(stack.web_urls("customers")) == 2
    configuration = (stack.home / "gateway" / "haproxy.cfg").read_text()
    assert all(url.removeprefix("http://") in configuration for url in stack.web_urls("customers"))
    stack.scale("customers", "web", 1)
    assert "customers-web-2" not in stack.statuses()
    assert ask(f"{stack.gateway_url}/readyz").status == 200


def test_the_gateways_agent_is_told_of_every_process_of_identity(stack):
    def asked():
        environment = Path(f"/proc/{stack.pid('gateway-agent')}/environ").read_bytes().decode().split("\0")
        values = dict(line.partition("=")[::2] for line in environment)
        return values["IDENTITY_URLS"].split(",")

    assert asked() == stack.web_urls("identity")
    stack.scale("identity", "web", 2)
    assert len(asked()) == 2
    assert asked() == stack.web_urls("identity")
    stack.scale("identity", "web", 1)
    assert asked() == stack.web_urls("identity")


def test_a_stack_is_ready_when_its_gateway_knows_what_is_revoked(stack):
    stack.stop_program("gateway-agent")
    for path in (stack.home / "gateway" / "maps").iterdir():
        path.write_text("")
    before = stack.kill_program("gateway")
    wait_until(lambda: stack.statuses()["gateway"].pid not in (0, before), 20)
    stack.up()
    user = {"email": "a@first.example", "password": "correct horse", "first_name": "Ada", "last_name": "Lovelace"}
    company = {"name": "First", "email": "info@first.example"}
    v1 = f"{stack.gateway_url}/v1"
    token = ask(f"{v1}/auth/register", method="POST", body={"company": company, "user": user}).body["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert ask(f"{v1}/customers", method="POST", body={"name": "Grace"}, headers=headers).status == 201


def limits_of(stack):
    """The rules of the gateway's configuration that refuse what is too much."""
    text = (stack.home / "gateway" / "haproxy.cfg").read_text()
    return re.findall(r"(?:status 429|maxconn).*", text)


def test_the_keys_are_shown_and_rotated_from_the_command_line(stack):
    kids = [key.kid for key in stack.signing_keys()]
    assert len(kids) == 2
    limits = limits_of(stack)
    done = invoke(stack.home, "keys", "rotate")
    assert done.exit_code == 0, done.output
    new = next(key.kid for key in stack.signing_keys() if key.status == "next")
    assert all(kid in done.output for kid in (*kids, new))
    listed = invoke(stack.home, "keys", "list").output
    assert re.search(rf"^{new} +next ", listed, re.MULTILINE)
    assert sorted(re.findall(r"^[\w-]{43} +(\w+) ", listed, re.MULTILINE)) == ["active", "next", "retired"]
    assert {path.stem for path in (stack.home / "gateway" / "keys").glob("*.pem")} == {*kids, new}
    again = invoke(stack.home, "keys", "rotate")
    assert again.exit_code == 1
    assert "not everybody may know it yet; try again in" in again.output
    assert "Traceback" not in again.output
    assert limits_of(stack) == limits


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["web", "worker"])
def test_a_process_is_told_every_secret_but_those_that_only_the_other_kind_needs(stack, service, kind):
    every = set(secret_environment(service, stack.credentials, servers(stack.state)))
    text = Path(f"/proc/{stack.pid(f'{service}-{kind}-1')}/environ").read_text()
    names = {line.partition("=")[0] for line in text.split("\0")}
    assert names & every == every - set(withheld(service, kind))
    assert ("MAIL_URL" in names) == (kind == "worker" and service in SENDS_LETTERS)


def test_a_service_cannot_be_scaled_to_nothing_nor_one_that_is_not_there(stack):
    with pytest.raises(OperatorError, match="at least one"):
        stack.scale("customers", "web", 0)
    with pytest.raises(OperatorError, match=r"no ordres-web; known are: identity"):
        stack.scale("ordres", "web", 2)


@pytest.fixture(scope="module")
def seeded(stack):
    return seed.seed(stack.gateway_url, stack.credentials, mail_folder(stack.home))


@pytest.fixture(scope="module")
def demo(stack, seeded):
    """The API as the first demo tenant's admin."""
    return Api(stack.gateway_url, lambda: seed.sign_in(stack.gateway_url, stack.credentials, NORTHWIND))


def test_demo_data_is_created_once_and_an_archived_customer_stays_so(stack, seeded, demo):
    count = sum(tenant.customers for tenant in TENANTS)
    assert (seeded.created, seeded.found) == (count, 0)
    archived = demo.get("/customers?customer_code=DEMO-007").body["data"][0]
    demo.ask("DELETE", f"/customers/{archived['id']}", headers={"If-Match": f'"{archived["version"]}"'})
    newest = demo.get("/customers?limit=1&sort=-updated_at").body["data"]
    again = seed.seed(stack.gateway_url, stack.credentials, mail_folder(stack.home))
    assert (again.created, again.found) == (0, count)
    assert demo.get("/customers?limit=1&sort=-updated_at").body["data"] == newest
    assert demo.get(f"/customers/{archived['id']}").body["archived_at"]


def test_demo_data_belongs_to_several_members_over_a_year_and_has_duplicates_to_show(demo):
    assignees = demo.get("/customers/facets").body["assigned_to"]
    assert len([entry for entry in assignees if entry["count"] > 50]) == len(NORTHWIND.members)
    assert demo.get("/contacts?limit=1&include=total").body["page"]["total"] == len(contacts(NORTHWIND))
    oldest = demo.get("/customers?limit=1&sort=created_at").body["data"][0]
    age = datetime.now(UTC) - datetime.fromisoformat(oldest["created_at"])
    assert timedelta(days=330) < age <= timedelta(days=365)
    known = demo.get("/customers?limit=100&sort=-created_at").body["data"]
    capitals = next(customer for customer in known if customer["email"] and customer["email"].isupper())
    found = demo.post("/customers/duplicates/check", {"name": "Somebody", "email": capitals["email"]}).body
    assert len(found["candidates"]) == 2


def test_the_demo_company_sells_and_some_of_its_deals_are_late(demo):
    counted = {entry["value"]: entry["count"] for entry in demo.get("/deals/facets").body["status"]}
    assert counted["won"] > counted["lost"] > 10
    for late in ("overdue", "stale"):
        assert demo.get(f"/deals?{late}=true&limit=1&include=total").body["page"]["total"] > 3
    board = demo.get("/leads/board?limit=5").body
    assert sum(len(column["cards"]) for column in board["columns"]) > 20


def test_the_sign_ins_of_demo_members_are_shown_and_good(stack, seeded):
    shown = invoke(stack.home, "creds").output.splitlines()[1:]
    assert len(shown) == sum(1 + len(tenant.members) for tenant in TENANTS)
    for line in (shown[1], shown[-1]):
        role, email, password = line.split()[-3:]
        answer = ask(f"{stack.gateway_url}/v1/auth/login", method="POST", body={"email": email, "password": password})
        token = {"Authorization": f"Bearer {answer.body['access_token']}"}
        assert ask(f"{stack.gateway_url}/v1/auth/me", headers=token).body["role"] == role


def test_the_token_command_prints_a_good_token_and_nothing_else(stack, seeded):
    printed = invoke(stack.home, "token")
    assert printed.exit_code == 0, printed.output
    header = {"Authorization": f"Bearer {printed.output.strip()}"}
    me = ask(f"{stack.gateway_url}/v1/auth/me", headers=header)
    assert me.body["user"]["email"] == NORTHWIND.email


def test_the_status_command_shows_every_program_and_succeeds(stack):
    shown = invoke(stack.home, "status")
    assert shown.exit_code == 0, shown.output
    heading, *rows, total = shown.output.splitlines()
    assert heading.split() == ["PROGRAM", "STATE", "PID", "UPTIME", "MEMORY", "READY"]
    assert len(rows) == len(stack.programs())
    assert re.fullmatch(r"all +[\d,]+ MiB", total)


def test_a_stopped_program_makes_the_status_command_fail(stack):
    stack.stop_program("audit-worker-1")
    shown = invoke(stack.home, "status")
    stack.start_program("audit-worker-1")
    assert shown.exit_code == 1
    assert re.search(r"audit-worker-1 +stopped .* not running", shown.output)


def test_starting_a_stack_again_brings_the_rights_at_its_broker_up_to_date(stack, monkeypatch):
    """Also while it runs: an older release's rights end with the first `make up` of this one."""

    def permissions():
        listed = stack.rabbitmq.control("list_permissions", "-p", "crm", "--no-table-headers")
        return {line.split("\t")[0]: line.split("\t")[1:] for line in listed.splitlines() if "\t" in line}

    ours = permissions()
    assert set(ours) == {"crm_admin", TOPOLOGY, *map(user_of, SERVICES)}
    stack.rabbitmq.control("set_permissions", "-p", "crm", "crm_audit", ".*", ".*", ".*")
    newer = BrokerUser("crm_newer", "of-a-newer-release", configure="^$", write="^$", read="^$")
    monkeypatch.setattr("crm.stack.users", lambda credentials: [*users(credentials), newer])
    before = stack.pid("rabbitmq")
    stack.up()
    assert stack.pid("rabbitmq") != before
    assert permissions() == ours | {"crm_newer": ["^$", "^$", "^$"]}


def test_a_destroyed_stack_leaves_no_process_and_no_file():
    home = temporary_home("crm-deploy-")
    made = Stack(home, for_tests(), attached=True)
    made.postgres.prepare()
    made.supervisor.apply([])
    assert processes_of(home)
    made.destroy()
    assert processes_of(home) == {}
    assert not home.exists()


def test_a_busy_port_is_reported_with_the_fix():
    home = temporary_home("crm-deploy-")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = invoke(home, "up", "--port", str(port))
    Stack(home).destroy()
    assert failed.exit_code == 1
    assert f"port {port} is in use by another program. Take another: make up CRM_PORT=" in failed.output


def test_commands_on_nothing_say_what_to_do(tmp_path):
    for command in (
        ("status",),
        ("token",),
        ("logs",),
        ("scale", "customers", "2"),
        ("keys", "list"),
        ("keys", "rotate"),
        ("resync", "customers"),
        ("import", "--revert", "1"),
    ):
        failed = invoke(tmp_path / "none", *command)
        assert failed.exit_code == 1
        assert "make one with: make up" in failed.output
    assert invoke(tmp_path / "none", "down").exit_code == 0


def test_destroying_asks_first(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "precious").touch()
    assert invoke(home, "destroy").exit_code == 1
    assert (home / "precious").exists()
    assert invoke(home, "destroy", YES="1").exit_code == 0
    assert not home.exists()
