"""What a stack keeps in its home: secrets, ports, and folders that unprivileged servers reach."""

import json
import os
import pwd
import socket
import stat

import pytest

from crm import places
from crm.credentials import Credentials
from crm.errors import OperatorError
from crm.launch import read_environment, write_environment
from crm.processes import Process
from crm.state import State, exclusive


@pytest.fixture
def elsewhere(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr(places, "ELSEWHERE", folder)
    return folder


@pytest.fixture
def me():
    return pwd.getpwuid(os.geteuid())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path):
    first = Credentials(tmp_path).password("broker")
    assert Credentials(tmp_path).password("broker") == first
    assert Credentials(tmp_path).password("database") != first
    assert mode(tmp_path / "secrets.json") == 0o600


def test_a_damaged_secrets_file_is_reported_and_not_replaced(tmp_path):
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(OperatorError, match="is damaged"):
        Credentials(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == "{"


def test_a_secret_that_somebody_changed_is_used(tmp_path):
    Credentials(tmp_path).password("broker")
    (tmp_path / "secrets.json").write_text(json.dumps({"broker": "theirs"}))
    assert Credentials(tmp_path).password("broker") == "theirs"


def test_ports_are_remembered_and_differ(tmp_path):
    state = State(tmp_path)
    ports = {name: state.port(name) for name in ("a", "b", "c")}
    assert len(set(ports.values())) == 3
    assert {name: State(tmp_path).port(name) for name in ports} == ports
    assert mode(tmp_path / "state.json") == 0o600


def test_a_port_that_somebody_else_took_is_given_up_except_the_gateways(tmp_path):
    state = State(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        state.set_port("postgres", port)
        state.set_port("gateway", port)
        state.drop_busy_ports(keep=("gateway",))
        assert state.port("postgres") != port
        assert state.port("gateway") == port


def test_two_commands_cannot_change_one_stack_at_a_time(tmp_path):
    with exclusive(tmp_path), pytest.raises(OperatorError, match="another command"), exclusive(tmp_path):
        pass


def test_an_environment_file_keeps_every_character(tmp_path):
    values = {"URL": "amqp://u:p@h/crm?a=1&b=2", "ODD": 'it\'s "quoted" $HOME'}
    write_environment(tmp_path / "service.env", values)
    assert read_environment(tmp_path / "service.env") == values
    assert mode(tmp_path / "service.env") == 0o600


def test_a_folder_that_its_user_cannot_reach_is_made_elsewhere_and_linked(tmp_path, elsewhere, me, monkeypatch):
    monkeypatch.setattr(places, "can_reach", lambda *_: False)
    home = tmp_path / "home"
    home.mkdir()
    real = places.folder_for(home, "postgres", me)
    assert real.is_relative_to(elsewhere)
    assert (home / "postgres").resolve() == real
    assert places.folder_for(home, "postgres", me) == real
    places.remove(home)
    assert not home.exists()
    assert list(elsewhere.iterdir()) == []


def test_a_private_folder_above_keeps_other_users_out(tmp_path, me):
    stranger = pwd.struct_passwd(("stranger", "x", me.pw_uid + 54321, me.pw_gid + 54321, "", "/", "/bin/sh"))
    inner = tmp_path / "private" / "home"
    inner.mkdir(parents=True)
    (tmp_path / "private").chmod(0o700)
    assert places.can_reach(inner, me)
    assert not places.can_reach(inner, stranger)


def test_a_long_path_gets_its_sockets_elsewhere(tmp_path, elsewhere):
    home = tmp_path / ("long-" * 20)
    home.mkdir()
    folder = places.socket_folder(home)
    assert folder.is_relative_to(elsewhere)
    assert (home / "run").resolve() == folder


def test_a_foreign_folder_in_the_shared_place_is_refused(tmp_path, elsewhere):
    home = tmp_path / ("long-" * 20)
    home.mkdir()
    trap = tmp_path / "trap"
    trap.mkdir()
    places.substitute(home).symlink_to(trap)
    with pytest.raises(OperatorError, match="belongs to somebody else"):
        places.socket_folder(home)


def test_a_reused_pid_is_not_taken_for_the_process_that_was_remembered(tmp_path):
    myself = Process.of(os.getpid())
    Process(myself.pid, myself.started - 1).write(tmp_path / "old.pid")
    myself.write(tmp_path / "mine.pid")
    assert Process.read(tmp_path / "old.pid") is None
    assert Process.read(tmp_path / "mine.pid") == myself
