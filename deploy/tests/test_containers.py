"""A stack of containers, for real (`make test-compose`): from nothing, used, looked at, scaled, rolled under load."""

import base64
import contextlib
import json
import os
import shlex
import ssl
import subprocess
import sys
import time
import uuid
from datetime import datetime

import httpx
import pytest
import requests

from chassis.testing.certificates import make_certificate
from chassis.testing.waiting import wait_until
from crm.backup.restoring import Restoration
from crm.compose.engine import engine, provide_images
from crm.compose.file import ROOT
from crm.compose.restoring import ContainersAtInstant, ContainersFromArchive, ContainersFromBackup, archiving
from crm.compose.stack import Containers
from crm.compose.steady_load import SteadyLoad
from crm.compose.upgrading import Upgrade
from crm.errors import OperatorError
from crm.jobs.secrets import GATEWAY_USER, SERVER_USER, SERVICE_USER
from crm.ports import free_port
from crm.settings import KINDS, SERVICES

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("containers")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The gateway's, in a folder that it alone may read."""
    path = make_certificate(tmp_path_factory.mktemp("tls") / "tls.crt")
    for place in (path.parent, path):
        os.chown(place, GATEWAY_USER, GATEWAY_USER)
    return path


@pytest.fixture(scope="module")
def tls_port():
    return free_port()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, certificate, tls_port):
    environment = {"COMPOSE_PROJECT_NAME": "crm-test", "CRM_VERSION": "test", "CRM_LIMITS": "off"}
    environment |= {"CRM_TLS_FOLDER": str(certificate.parent), "CRM_TLS_BIND": f"127.0.0.1:{tls_port}"}
    with engine():
        print(f"stand-ins: {', '.join(provide_images()) or 'none'}")
        made = Containers(tmp_path_factory.mktemp("containers"), environment)
        try:
            made.up(lambda label, detail, seconds: print(f"{label}: {detail} in {seconds:.1f} s"), port=free_port())
            yield made
        finally:
            # The home knows what it has got besides.
            Containers(made.home, environment).destroy()


@pytest.fixture(scope="module")
def admin(stack):
    """Somebody with a company of their own."""
    person = {"email": f"{uuid.uuid4().hex}@example.com", "password": "a long enough secret"}
    names = {"first_name": "Ada", "last_name": "Lovelace"}
    body = {"company": {"name": "Engines", "email": person["email"]}, "user": person | names}
    done = requests.post(f"{stack.url}/v1/auth/register", json=body, timeout=20)
    assert done.status_code == 201, done.text
    session = requests.Session()
    session.person = person
    sign_in(stack, session)
    return session


def sign_in(stack, session):
    done = requests.post(f"{stack.url}/v1/auth/login", json=session.person, timeout=20)
    assert done.status_code == 200, done.text
    session.headers["Authorization"] = f"Bearer {done.json()['access_token']}"


def create(stack, session, path, **body):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    return session.post(f"{stack.url}{path}", json=body, headers=headers, timeout=20)


def count(stack, session, path):
    """How many records a list has, page by page."""
    number, following = 0, ""
    while following is not None:
        page = session.get(f"{stack.url}{path}&limit=100{following}", timeout=20).json()
        number += len(page["data"])
        following = f"&cursor={page['page']['next_cursor']}" if page["page"]["has_more"] else None
    return number


def inspect(stack):
    names = stack.run("ps", "--all", "--quiet").split()
    return json.loads(subprocess.run(["docker", "inspect", *names], capture_output=True, text=True, check=True).stdout)


@pytest.mark.usefixtures("stack")
def test_a_run_of_tests_takes_containers_where_an_engine_answers():
    tests = ("libs/chassis/tests/broker/test_topology.py", "libs/chassis/tests/db/test_folding.py")
    plugins = ("-p", "crm.testing", "-p", "chassis.testing")
    told = {**os.environ, "POSTGRES_IMAGE": "postgres:17"}
    command = [sys.executable, "-m", "pytest", *plugins, *(str(ROOT / test) for test in tests)]
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "postgres: container of postgres:17 on 127.0.0.1:" in done.stdout
    assert "rabbitmq: container of rabbitmq:4-management on 127.0.0.1:" in done.stdout


def test_everything_answers(stack):
    rows = stack.containers()
    assert {row.name for row in rows} >= {f"{name}-{kind}-1" for name in SERVICES for kind in ("web", "worker")}
    assert [(row.name, row.reason) for row in rows if row.reason] == []
    assert requests.get(f"{stack.url}/readyz", timeout=10).status_code == 200


def test_a_container_may_do_no_more_than_it_needs(stack):
    users = {f"{user}:{user}" for user in (SERVICE_USER, SERVER_USER, GATEWAY_USER)}
    for container in inspect(stack):
        name, host = container["Name"], container["HostConfig"]
        of_secrets = "-secrets-" in name
        assert container["Config"]["User"] in ({"0:0"} if of_secrets else users), name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert [right.removeprefix("CAP_") for right in host["CapAdd"] or []] == (["CHOWN"] if of_secrets else []), name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        bound = [binding["HostIp"] for bindings in (host["PortBindings"] or {}).values() for binding in bindings]
        assert set(bound) == ({"127.0.0.1"} if name.endswith("-gateway-1") else set()), name


def test_no_secret_is_in_an_environment_a_command_line_or_a_log(stack):
    secrets = stack.run(
        "run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "cat", "secrets", "/secrets/master/secrets.json"
    )
    values = list(json.loads(secrets).values())
    assert len(values) > 10
    shown = json.dumps(inspect(stack)) + stack.run("logs", "--no-color")
    assert [value for value in values if value in shown] == []


def test_the_gateway_speaks_tls_beside_the_plain_port(stack, certificate, tls_port):
    answer = requests.get(f"https://localhost:{tls_port}/readyz", verify=str(certificate), timeout=10)
    assert answer.status_code == 200
    with httpx.Client(http2=True, verify=ssl.create_default_context(cafile=certificate)) as client:
        answer = client.get(f"https://localhost:{tls_port}/v1/customers", timeout=10)
    assert (answer.http_version, answer.status_code) == ("HTTP/2", 401)


def test_the_journey(stack, admin):
    customer = create(stack, admin, "/v1/customers", name="Charles Babbage", email="charles@example.com")
    assert customer.status_code == 201, customer.text
    number = customer.json()["id"]
    changed = admin.patch(
        f"{stack.url}/v1/customers/{number}", json={"city": "London"}, headers={"If-Match": '"1"'}, timeout=20
    )
    assert changed.status_code == 200, changed.text
    deal = create(stack, admin, "/v1/deals", deal_name="An engine", deal_value="1000.00", customer_id=number)
    assert deal.status_code == 201, deal.text
    address = f"{stack.url}/v1/audit-logs?table_name=deals&record_id={deal.json()['id']}"
    (row,) = wait_until(lambda: admin.get(address, timeout=20).json()["data"], 30)
    assert (row["action"], row["new_values"]["customer_id"]) == ("created", number)
    address = f"{stack.url}/v1/audit-logs?table_name=customers&record_id={number}"
    rows = wait_until(lambda: admin.get(address, timeout=20).json()["data"], 30, so=lambda found: len(found) == 2)
    assert {row["action"] for row in rows} == {"created", "updated"}


def test_tokens_that_are_not_good_open_nothing(stack, admin):
    good = admin.headers["Authorization"].removeprefix("Bearer ")
    header, payload, signature = good.split(".")

    def part(**values):
        return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()

    bad = {
        "none": f"{part(alg='none', typ='at+jwt')}.{payload}.",
        "unsigned": f"{header}.{payload}.",
        "other payload": f"{header}.{part(sub='1', company_id=1)}.{signature}",
        "other signature": f"{header}.{payload}.{signature[:-4]}AAAA",
        "other key": f"{part(alg='RS256', typ='at+jwt', kid='other')}.{payload}.{signature}",
        "halved": good[: len(good) // 2],
        "no token": "",
    }
    for path in ("/v1/customers", "/v1/audit-logs", "/v1/auth/me"):
        assert admin.get(f"{stack.url}{path}", timeout=20).status_code == 200, path
        for name, token in bad.items():
            headers = {"Authorization": f"Bearer {token}"}
            assert requests.get(f"{stack.url}{path}", headers=headers, timeout=20).status_code == 401, (path, name)


def test_starting_it_again_makes_no_container_and_no_secret_anew(stack, admin):
    def running():
        return {
            container["Id"]: container["State"]["StartedAt"]
            for container in inspect(stack)
            if container["State"]["Running"]
        }

    before = running()
    stack.up(lambda *_: None)
    assert running() == before
    assert admin.get(f"{stack.url}/v1/customers", timeout=20).status_code == 200


def servers(stack, service):
    """The addresses that the gateway sends requests of a service to."""
    ask = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/gateway/admin.sock'); s.sendall(b'show stat\\n'); print(s.makefile().read())"
    lines = stack.run("exec", "--no-TTY", "gateway-agent", "python3", "-c", ask).splitlines()
    names = lines[0].removeprefix("# ").split(",")
    rows = [dict(zip(names, line.split(","), strict=False)) for line in lines[1:] if line]
    return [row["addr"] for row in rows if row["pxname"] == service and row["type"] == "2" and row["status"] == "UP"]


def test_the_gateway_finds_more_containers_by_their_name_and_fewer_fail_no_request(stack, admin):
    """However they are stopped."""
    sign_in(stack, admin)

    def wait_for(count):
        wait_until(lambda: len(servers(stack, "customers")) == count, 30, pause=0.2)

    with SteadyLoad(stack.url, admin.headers) as load:
        for count in (3, 1, 3):
            stack.scale("customers", "web", count)
            wait_for(count)
        stack._execute(["docker", "stop", stack.run("ps", "--quiet", "customers-web").split()[-1]])
        wait_for(2)
    stack.scale("customers", "web", 2)
    assert load.failed == []


def test_rolling_a_service_under_load_fails_no_request_and_loses_no_event(stack, admin):
    sign_in(stack, admin)
    before = set(stack.run("ps", "--quiet", "customers-web", "customers-worker").split())
    with SteadyLoad(stack.url, admin.headers) as load:
        for name in ("customers-web", "customers-worker"):
            stack.roll(name)
    print(f"rolled under load: {load.sent} requests, {len(load.failed)} failed")
    assert load.failed == []
    assert not before & set(stack.run("ps", "--quiet", "customers-web", "customers-worker").split())
    total = admin.get(f"{stack.url}/v1/customers?limit=1&include=total", timeout=20).json()["page"]["total"]
    assert total > load.sent / 4
    created = "/v1/audit-logs?table_name=customers&action=created"
    wait_until(lambda: count(stack, admin, created), 60, so=lambda found: found == total, pause=0.2)


def test_a_backup_is_made_and_can_be_read(stack):
    made = stack.backup("make").split()[2]
    assert made in stack.backup("list")
    said = stack.backup("verify", made)
    assert [line for line in (*SERVICES, "secrets") if line not in said] == []
    assert stack.backup("key").startswith("AGE-SECRET-KEY-")


def test_the_profile_of_backups_is_well_when_it_has_made_one(stack):
    stack.build("backup")
    stack.run("--profile", "backup", "up", "--detach", "--wait", "--no-build", "--no-deps", "backup")
    assert [row.reason for row in stack.containers() if row.name == "backup-1"] == [""]
    stack.run("--profile", "backup", "rm", "--stop", "--force", "backup")


def test_an_upgrade_replaces_what_is_outdated_and_fails_no_request(stack, admin):
    sign_in(stack, admin)
    names = [f"{service}-{kind}" for service in SERVICES for kind in KINDS]
    before = {name: stack.run("ps", "--quiet", name).split() for name in names}
    steps = []
    # Another release tells its processes something else.
    stack._given["LOG_LEVEL"] = "warning"
    upgrade = Upgrade(stack, lambda label, said, _: steps.append((label, said)))
    with SteadyLoad(stack.url, admin.headers) as load:
        upgrade.run()
    print(f"upgraded under load: {load.sent} requests, {len(load.failed)} failed")
    assert load.failed == []
    assert {said for label, said in steps if label == "roll"} >= set(names)
    after = {name: stack.run("ps", "--quiet", name).split() for name in names}
    assert {name: len(found) for name, found in after.items()} == {name: len(found) for name, found in before.items()}
    assert [name for name in names if set(before[name]) & set(after[name])] == []
    steps.clear()
    upgrade.run()
    assert [said for label, said in steps if label == "roll"] == []


def test_containers_that_are_not_well_are_not_upgraded(stack):
    backups = stack.backup("list")
    stack.run("stop", "tasks-worker")
    try:
        with pytest.raises(OperatorError, match=r"nothing was changed:\nprograms: tasks-worker-[0-9]+: exit code 0"):
            Upgrade(stack, lambda *_: None).run()
    finally:
        stack.run("start", "tasks-worker")
        wait_until(lambda: not any(row.reason for row in stack.containers()), 60, pause=0.2)
    assert stack.backup("list") == backups


def test_new_keys_sign_and_the_gateway_knows_them(stack, admin):
    sign_in(stack, admin)
    old = dict(admin.headers)
    rotated = stack.rotate_keys()
    assert [key.status for key in stack.signing_keys() if key.kid == rotated.active] == ["active"]
    time.sleep(16)  # Until each process signs with it.
    sign_in(stack, admin)
    assert (
        json.loads(base64.urlsafe_b64decode(admin.headers["Authorization"].split()[1].split(".")[0] + "=="))["kid"]
        == rotated.active
    )
    for headers in (old, dict(admin.headers)):
        assert requests.get(f"{stack.url}/v1/customers", headers=headers, timeout=20).status_code == 200


def report(said):
    return lambda label, detail, seconds: said.append(f"{label}: {detail} in {seconds:.1f} s")


def names(stack, admin):
    listed = admin.get(f"{stack.url}/v1/customers?limit=100&name[contains]=Restored", timeout=20)
    assert listed.status_code == 200, listed.text
    return sorted(each["name"].removeprefix("Restored ") for each in listed.json()["data"])


def test_one_service_is_restored_from_a_backup_and_healed(stack, admin):
    sign_in(stack, admin)
    create(stack, admin, "/v1/customers", name="Restored before")
    name = stack.backup("make").split()[2]
    made = create(stack, admin, "/v1/customers", name="Restored since").json()["id"]
    address = f"{stack.url}/v1/audit-logs?table_name=customers&record_id={made}"
    wait_until(lambda: admin.get(address, timeout=20).json()["data"], 30)
    with psql(stack, "customers") as execute:
        execute("UPDATE customers SET name = 'Restored wrongly' WHERE name = 'Restored before'")
    said = []
    source = ContainersFromBackup(stack, name)
    assert Restoration(source, source.began, report(said)).one("customers"), said
    print("\n".join(said))
    assert [row.reason for row in stack.containers() if row.reason] == []
    # What the audit log knows of is made again, and what nobody was told of is undone.
    assert names(stack, admin) == ["before", "since"]
    again = create(stack, admin, "/v1/customers", name="Restored last")
    assert again.json()["id"] > made


@contextlib.contextmanager
def psql(stack, database):
    """A function that does something to a database as nobody else may."""

    def execute(statement):
        line = (
            'PGPASSWORD="$(cat /run/crm/superuser)" psql --no-psqlrc --tuples-only --no-align -h 127.0.0.1 -U postgres'
        )
        command = f"{line} -d {database} -c {shlex.quote(statement)}"
        return stack.run("exec", "--no-TTY", "postgres", "sh", "-ec", command).strip()

    yield execute


def test_an_archive_leads_back_to_an_instant_all_of_it_or_one_service(stack, admin):
    archived = Containers(stack.home, {**stack._given, "CRM_ARCHIVE": "archive"})
    archived.up(lambda *step: print(step))
    assert [row.reason for row in archived.containers() if row.reason] == []
    sign_in(archived, admin)
    create(archived, admin, "/v1/customers", name="Restored by instant")
    with psql(archived, "postgres") as execute:
        instant = datetime.fromisoformat(execute("SELECT clock_timestamp()"))
    create(archived, admin, "/v1/customers", name="Restored too late")
    assert "too late" in names(archived, admin)
    said = []
    source = ContainersFromArchive(archived, instant)
    source.examine(report(said))
    Restoration(source, source.began, report(said)).everything()
    print("\n".join(said))
    sign_in(archived, admin)
    assert [row.reason for row in archived.containers() if row.reason] == []
    assert "by instant" in names(archived, admin)
    assert "too late" not in names(archived, admin)
    with psql(archived, "customers") as execute:
        later = datetime.fromisoformat(execute("SELECT clock_timestamp()"))
        execute("UPDATE customers SET name = 'Restored wrongly' WHERE name = 'Restored by instant'")
    said = []
    one = ContainersAtInstant(archived, "customers", later, report(said))
    assert Restoration(one, later, report(said)).one("customers"), said
    print("\n".join(said))
    assert "by instant" in names(archived, admin)
    assert "wrongly" not in names(archived, admin)
    assert "can be read" in archiving(archived, "verify")
    assert "incr" in archiving(archived, "base")


def test_what_was_stopped_comes_back_with_its_data(stack, admin):
    sign_in(stack, admin)
    address = f"{stack.url}/v1/customers?limit=1&include=total"
    before = admin.get(address, timeout=20).json()["page"]["total"]
    again = Containers(stack.home, stack._given)
    again.down()
    again.up(lambda *_: None)
    assert before > 0
    assert admin.get(address, timeout=20).json()["page"]["total"] == before
