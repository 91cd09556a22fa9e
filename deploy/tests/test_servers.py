"""The private PostgreSQL and RabbitMQ: reachable over loopback alone, and gone when they are stopped."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from crm.errors import NotReadyError
from crm.processes import Process
from crm.sandbox import Sandbox, running
from crm.servers import Postgres
from crm.servers.amqp_probe import sign_in

pytestmark = pytest.mark.xdist_group("deploy-servers")


@pytest.fixture(scope="module")
def sandbox():
    with running(vhosts=("one", "two")) as sandbox:
        yield sandbox


def listeners(pid):
    """The addresses that a process listens on, from the kernel."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                sockets.add(target[8:-1])
    found = []
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{family}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.append((family, fields[1].split(":")[0]))
    return found


def processes_below(folder):
    """Every process with `folder` in its command line, this one and its parents aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(folder) in command:
                found.append(command.replace("\0", " ")[:120])
    return found


def test_every_listener_of_the_broker_is_on_loopback(sandbox):
    broker = sandbox.broker()
    addresses = listeners(broker.process().pid) + listeners(broker.epmd.process().pid)
    assert len(addresses) >= 3
    assert set(addresses) <= {("tcp", "0100007F"), ("tcp6", "00000000000000000000000001000000")}


def test_every_listener_of_postgres_is_on_loopback_and_there_is_no_socket_file(sandbox):
    server = sandbox.postgres()
    assert listeners(server.process().pid) == [("tcp", "0100007F")]
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("show unix_socket_directories").fetchone() == ("",)


def test_every_vhost_is_there_and_no_default_user(sandbox):
    broker = sandbox.broker()
    admin = broker.users[0]
    for vhost in ("one", "two"):
        sign_in(broker.ports.amqp, admin.name, admin.password, vhost)
    with pytest.raises(NotReadyError):
        sign_in(broker.ports.amqp, "guest", "guest", "one")


def test_a_wrong_password_is_refused(sandbox):
    broker = sandbox.broker()
    with pytest.raises(NotReadyError):
        sign_in(broker.ports.amqp, broker.users[0].name, "wrong", "one")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(sandbox.postgres().url(password="wrong"))


def test_the_cookie_is_readable_by_its_owner_alone(sandbox):
    assert (sandbox.broker().folder / ".erlang.cookie").stat().st_mode & 0o777 == 0o400


def test_a_changed_superuser_password_takes_effect_at_the_next_start(sandbox):
    before = sandbox.postgres()
    after = Postgres(before.home, port=before.port, password="changed", durable=False)
    before.stop()
    after.prepare()
    after.start()
    try:
        after.wait_ready()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(before.url())
    finally:
        after.stop()
        before.prepare()
        before.start()
        before.wait_ready()


def test_a_killed_postgres_starts_again(sandbox):
    server = sandbox.postgres()
    server.kill()
    server.start()
    server.wait_ready()


def test_servers_go_when_their_owner_is_killed(tmp_path):
    command = [sys.executable, "-m", "crm.sandbox", "--no-broker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        home = Path(Sandbox.loads(owner.stdout.readline().decode()).home)
        server = Process.read(home / "postgres.pid")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert server.gone_within(10)
    subprocess.run(["rm", "-rf", str(home)], check=True)


def test_servers_and_their_folder_go_when_the_owner_hears_no_more_from_its_runner():
    command = [sys.executable, "-m", "crm.sandbox", "--no-broker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        home = Path(Sandbox.loads(owner.stdout.readline().decode()).home)
        owner.stdin.close()
        owner.wait(20)
    assert not home.exists()
    assert processes_below(home) == []


def test_servers_that_are_told_of_early_are_ready_for_whoever_waits():
    command = [sys.executable, "-m", "crm.sandbox", "--early", "--no-broker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        server = Sandbox.loads(owner.stdout.readline().decode()).postgres()
        server.wait_ready()
        server.check()
        owner.stdin.close()
        owner.wait(20)
    assert owner.returncode == 0
