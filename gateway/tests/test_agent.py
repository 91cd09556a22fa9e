"""The agent: what identity says is in HAProxy within a round, whoever of the three was away meanwhile."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from gateway import agent as agent_module
from gateway import map_files
from gateway.agent import Agent
from gateway.agent_settings import AgentSettings, AgentSettingsError, from_environment
from gateway.monitor import Health
from gateway.runtime import Haproxy

KEY = "agents-key-" + "k" * 32


class Identity(ThreadingHTTPServer):
    """A feed: `everything` answers a question without a cursor, `news` one with it; `status` and `body` replace both."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Feed)
        self.everything, self.news = {}, {}
        self.status, self.body = 200, None
        self.asked, self.connections = [], set()
        self.hanging = threading.Event()
        self.hanging.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Feed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Identity

    def do_GET(self) -> None:
        self.server.hanging.wait(20)
        parts = urlsplit(self.path)
        after = parse_qs(parts.query).get("after", [None])[0]
        self.server.asked.append(after)
        self.server.connections.add(self.client_address)
        known = parts.path == "/internal/revocations" and self.headers["Authorization"] == f"Bearer {KEY}"
        told = self.server.everything if after is None else self.server.news
        document = {"cursor": str(len(self.server.asked)), "users": {}, "sessions": [], "companies": {}} | told
        body = json.dumps(document).encode() if self.server.body is None else self.server.body
        self.send_response(self.server.status if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def identity():
    with Identity() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.hanging.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def own(run):
    """A gateway for this module, which nobody has told anything yet."""
    return run(synced=None)


@pytest.fixture
def fresh(own):
    """That gateway, started anew on empty files."""
    own.kill()
    for name in map_files.NAMES:
        map_files.write(own.maps, name, {})
    own.start()
    return own


@pytest.fixture
def health():
    return Health()


@pytest.fixture
def agent(fresh, health):
    """Make an agent whose rounds the test makes."""
    made = []

    def make(*urls: str, key: str = KEY) -> Agent:
        settings = AgentSettings(key=key, identity_urls=urls, socket=fresh.socket, maps=fresh.maps)
        made.append(Agent(settings, health))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def beside(agent, identity):
    return agent(identity.url)


def may(gateway, method: str = "GET", **claims) -> int:
    return gateway.authorized(method, "/v1/customers", body=None if method == "GET" else b"{}", **claims).status


def held(gateway, name: str) -> dict[str, str]:
    """What HAProxy says that it holds."""
    with Haproxy(gateway.socket, gateway.maps).talk() as conversation:
        lines = conversation._ask(f"show map {conversation._path(name)}").splitlines()
    return dict(line.split()[1:] for line in lines)


def in_file(gateway, name: str) -> dict[str, str]:
    return dict(line.split() for line in (gateway.maps / name).read_text().splitlines())


def test_the_first_round_makes_changes_possible_and_refuses_what_is_revoked(beside, fresh, identity) -> None:
    sid = str(uuid.uuid4())
    identity.everything = {"users": {"31": 5}, "sessions": [sid], "companies": {"77": True, "78": False}}
    assert may(fresh, "POST", sub="31") == 503

    assert beside.work()

    assert may(fresh, "POST") == 200
    assert [may(fresh, sub="31", ver=4), may(fresh, sid=sid), may(fresh, company_id=77)] == [401] * 3
    assert [may(fresh, sub="31", ver=5), may(fresh, company_id=78)] == [200] * 2


def test_a_token_that_was_let_pass_before_is_refused_once_it_is_revoked(beside, fresh, identity, tokens) -> None:
    """Its signature is remembered; what was revoked is looked up all the same."""
    beside.work()
    token = [("Authorization", f"Bearer {tokens.sign(sub='31', ver=4)}")]
    assert [fresh.call("GET", "/v1/customers", token).status for _ in range(3)] == [200] * 3
    identity.news = {"users": {"31": 5}}
    beside.work()
    assert fresh.call("GET", "/v1/customers", token).status == 401


def test_news_are_added_changed_and_taken_back(beside, fresh, identity) -> None:
    identity.everything = {"users": {"1": 2, "2": 2}, "companies": {"77": True}}
    beside.work()
    for news, users, companies in (
        ({"users": {"3": 4}}, {"1": "2", "2": "2", "3": "4"}, {"77": "1"}),
        (
            {"users": {"1": 3, "3": 4}, "companies": {"78": True}},
            {"1": "3", "2": "2", "3": "4"},
            {"77": "1", "78": "1"},
        ),
        ({"companies": {"77": False, "79": False}}, {"1": "3", "2": "2", "3": "4"}, {"78": "1"}),
    ):
        identity.news = news
        assert beside.work()
        assert (held(fresh, map_files.USERS), held(fresh, map_files.COMPANIES)) == (users, companies)
        assert (in_file(fresh, map_files.USERS), in_file(fresh, map_files.COMPANIES)) == (users, companies)


def test_the_question_goes_on_from_the_last_answer_over_one_connection(beside, identity) -> None:
    for _ in range(4):
        beside.work()
    assert identity.asked == [None, "1", "2", "3"]
    assert len(identity.connections) == 1


def test_everything_is_asked_and_told_anew_from_time_to_time(beside, fresh, identity, monkeypatch) -> None:
    identity.everything = {"users": {"1": 2}}
    beside.work()
    identity.everything = {"users": {"2": 3}}
    with Haproxy(fresh.socket, fresh.maps).talk() as conversation:
        conversation._ask(f"add map {conversation._path(map_files.SESSIONS)} {uuid.uuid4()} 1")
    beside.work()
    assert held(fresh, map_files.USERS) == {"1": "2"}

    monkeypatch.setattr(agent_module, "FULL_SECONDS", 0.0)
    beside.work()

    assert identity.asked[-1] is None
    assert held(fresh, map_files.USERS) == in_file(fresh, map_files.USERS) == {"2": "3"}
    assert held(fresh, map_files.SESSIONS) == {}


def test_a_gateway_that_died_begins_with_what_was_known_and_is_told_the_rest(beside, fresh, identity) -> None:
    identity.everything = {"users": {"31": 5}}
    beside.work()
    fresh.kill()
    identity.news = {"users": {"32": 5}}
    assert beside.work()
    identity.news = {"users": {"33": 5}}

    fresh.start()

    # Nobody has spoken to the new process yet: this is from the files, which went on while it was away.
    assert [may(fresh, sub=sub, ver=4) for sub in ("31", "32", "33")] == [401, 401, 200]
    assert may(fresh, "POST") == 200
    beside.work()
    assert may(fresh, sub="33", ver=4) == 401


def test_a_gateway_that_lost_an_entry_gets_everything_with_the_next_round(beside, fresh, identity) -> None:
    identity.everything = {"users": {"31": 5}}
    beside.work()
    with Haproxy(fresh.socket, fresh.maps).talk() as conversation:
        conversation._ask(f"clear map {conversation._path(map_files.USERS)}")
    identity.news = {"users": {"31": 6}}
    beside.work()
    beside.work()
    assert held(fresh, map_files.USERS) == {"31": "6"}


@pytest.mark.parametrize("trouble", ["stopped", "refuses", "html", "wrong form", "hangs"])
def test_while_identity_fails_the_maps_stay_and_the_time_stands_still(
    beside, fresh, identity, capsys, trouble: str
) -> None:
    identity.everything = {"users": {"31": 5}}
    beside.work()
    before = held(fresh, map_files.SYNCED)
    good = identity.server_address
    if trouble == "stopped":
        beside._feed.close()
        identity.shutdown()
        identity.socket.close()
    elif trouble == "refuses":
        identity.status = 503
    elif trouble == "hangs":
        identity.hanging.clear()
    else:
        identity.body = b"<html>" if trouble == "html" else b'{"cursor": "5", "users": []}'
    capsys.readouterr()

    assert [beside.work() for _ in range(3)] == [False] * 3

    assert held(fresh, map_files.USERS) == {"31": "5"}
    assert held(fresh, map_files.SYNCED) == before
    assert beside._health.failures["identity"] == 3
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in logged] == ["identity fails"]
    assert str(good[1]) in logged[0]["reason"]
    if trouble != "stopped":
        identity.status, identity.body = 200, None
        identity.hanging.set()
        assert beside.work()
        assert json.loads(capsys.readouterr().out)["event"] == "identity works again"


def test_the_next_address_is_asked_when_one_fails_and_stays_first(agent, identity, health, unused_port) -> None:
    two = agent(f"http://127.0.0.1:{unused_port}", identity.url)
    assert [two.work() for _ in range(3)] == [True] * 3
    assert len(identity.asked) == 3
    assert health.failures == {}


def test_with_a_wrong_key_nothing_is_known(agent, fresh, identity, health) -> None:
    assert not agent(identity.url, key="x" * 32).work()
    assert "status 401" in health.trouble["identity"]
    assert may(fresh, "POST") == 503


HOSTILE = ["7 1\nadd map", "7;shutdown", "7\n\n", "", " ", "-1", "0", "07", "7 ", "٣", "9" * 20, "<<", "a\\", "#0"]


@pytest.mark.parametrize("name", ["users", "sessions", "companies"])
def test_what_can_stand_in_no_token_never_reaches_haproxys_command_line(beside, fresh, identity, name: str) -> None:
    sid = str(uuid.uuid4())
    good = {"users": {"7": 2}, "companies": {"8": True}, "sessions": [sid.upper()]}
    bad = HOSTILE if name == "sessions" else dict.fromkeys(HOSTILE, True if name == "companies" else 5)
    merged = {**good[name], **bad} if isinstance(bad, dict) else [*good[name], *bad]
    identity.everything = {**good, name: merged}

    assert beside.work()

    assert held(fresh, map_files.USERS) == {"7": "2"}
    assert held(fresh, map_files.COMPANIES) == {"8": "1"}
    assert held(fresh, map_files.SESSIONS) == {sid: "1"}


@pytest.mark.parametrize(
    "document",
    [
        {"cursor": 5},
        {"cursor": "-5"},
        {"cursor": "5&x=1"},
        {"users": {"7": "2"}},
        {"users": {"7": True}},
        {"users": {"7": -1}},
        {"users": {"7": 2**31}},
        {"users": {"7": 1.5}},
        {"companies": {"7": 1}},
        {"sessions": [7]},
        {"sessions": {}},
    ],
    ids=str,
)
def test_an_answer_of_another_form_counts_as_none(beside, fresh, identity, document) -> None:
    identity.everything = document
    assert not beside.work()
    assert held(fresh, map_files.SYNCED) == {}


def test_many_entries_fit(beside, fresh, identity) -> None:
    sessions = [str(uuid.uuid4()) for _ in range(20_000)]
    identity.everything = {"sessions": sessions, "users": {str(number): 2 for number in range(1, 5_001)}}
    assert beside.work()
    assert held(fresh, map_files.SESSIONS).keys() == set(sessions)
    assert len(held(fresh, map_files.USERS)) == 5_000
    identity.news = {"sessions": (more := [str(uuid.uuid4()) for _ in range(2_000)])}
    assert beside.work()
    assert [may(fresh, sid=sid) for sid in (sessions[0], sessions[-1], more[0], more[-1])] == [401] * 4


def test_files_that_cannot_be_written_stop_nobody(beside, fresh, identity, health, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(map_files, "write", full)
        identity.everything = {"users": {"31": 5}}
        assert beside.work()
    assert may(fresh, sub="31", ver=4) == 401
    assert "No space left" in health.trouble["files"]
    beside.work()
    assert in_file(fresh, map_files.USERS) == {"31": "5"}
    assert health.trouble == {}


@pytest.fixture
def start(fresh, identity, unused_port):
    """Start the agent as a process; answers it, with its output in `lines`."""
    started = []

    def begin(**changes: str):
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "GATEWAY_AGENT_KEY": KEY,
            "IDENTITY_URLS": f"http://127.0.0.1:{unused_port}, {identity.url}",
            "HAPROXY_SOCKET": str(fresh.socket),
            "MAPS_FOLDER": str(fresh.maps),
        }
        given = {name: value for name, value in (environment | changes).items() if value}
        command = [sys.executable, "-m", "gateway.agent"]
        process = subprocess.Popen(command, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_the_process_keeps_the_gateway_up_to_date_and_ends_when_told(start, fresh, identity, wait) -> None:
    identity.everything = {"users": {"31": 5}}
    process = start()
    wait(lambda: may(fresh, "POST") == 200)
    identity.news = {"users": {"32": 5}}
    revoked_at = time.monotonic()
    wait(lambda: may(fresh, sub="32", ver=4) == 401)
    assert time.monotonic() - revoked_at < 2
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")
    assert [json.loads(line)["event"] for line in output.splitlines()] == ["started", "haproxy is told", "stopped"]
    assert KEY not in output


def test_a_process_that_was_killed_is_replaced_by_the_next(start, fresh, identity, wait) -> None:
    identity.everything = {"users": {"31": 5}}
    first = start()
    wait(lambda: may(fresh, "POST") == 200)
    first.kill()
    first.wait()
    (fresh.maps / "users.map.1.new").write_text("half a li")
    identity.everything = {"users": {"31": 5, "32": 5}}
    start()
    wait(lambda: may(fresh, sub="32", ver=4) == 401)
    # (What is being written at this very moment is the second one's.)
    assert not (fresh.maps / "users.map.1.new").exists()


def test_the_process_says_how_it_fares(start, fresh, identity, wait, unused_port) -> None:
    key_file = fresh.folder / "key"
    key_file.write_text(f"{KEY}\n")
    identity.everything = {"users": {"31": 5}, "companies": {"77": True}}
    identity.status = 503
    bind = f"127.0.0.1:{unused_port}"
    start(METRICS_BIND=bind, GATEWAY_AGENT_KEY="", GATEWAY_AGENT_KEY_FILE=str(key_file), IDENTITY_URLS=identity.url)

    def say(path: str):
        try:
            answer = requests.get(f"http://{bind}{path}", timeout=5)
        except requests.ConnectionError:
            return 0, ""
        return answer.status_code, answer.text

    wait(lambda: say("/livez")[0] == 200)
    wait(lambda: "identity" in say("/readyz")[1])
    status, body = say("/readyz")
    assert status == 503
    assert json.loads(body)["detail"].startswith("never synchronised; identity: http://127.0.0.1:")
    assert "crm_revocations_age_seconds +Inf\n" in say("/metrics")[1]

    identity.status = 200
    wait(lambda: say("/readyz")[0] == 200)
    text = say("/metrics")[1]
    assert 'crm_revocations_entries{map="users"} 1\n' in text
    assert 'crm_revocations_entries{map="companies"} 1\n' in text
    assert float(re.search(r"^crm_revocations_age_seconds (.+)$", text, re.MULTILINE)[1]) < 5


def test_the_process_refuses_to_start_without_settings(start) -> None:
    process = start(GATEWAY_AGENT_KEY="short", IDENTITY_URLS="ftp://x", HAPROXY_SOCKET="", METRICS_BIND="9000")
    _, errors = process.communicate(timeout=5)
    assert process.returncode == 78
    assert [line.split()[0] for line in errors.splitlines()] == [
        "GATEWAY_AGENT_KEY",
        "IDENTITY_URLS",
        "HAPROXY_SOCKET",
        "METRICS_BIND",
    ]


def test_settings_show_no_key() -> None:
    given = {
        "GATEWAY_AGENT_KEY": KEY,
        "IDENTITY_URLS": "http://a:1,https://b",
        "HAPROXY_SOCKET": "/s",
        "MAPS_FOLDER": "/m",
    }
    settings = from_environment(given)
    assert settings.identity_urls == ("http://a:1", "https://b")
    assert KEY not in repr(settings)
    with pytest.raises(AgentSettingsError):
        from_environment(given | {"GATEWAY_AGENT_KEY": KEY + "\n"})
