"""The agent's rounds: what identity says is in HAProxy afterwards, whoever of the three was away meanwhile."""

import json
import time
import uuid

import pytest

from gateway import agent as agent_module
from gateway import map_files, monitor
from gateway.agent import Agent
from gateway.agent_settings import AgentSettings
from gateway.monitor import Health
from gateway.runtime import Haproxy


@pytest.fixture
def health():
    return Health()


@pytest.fixture
def agent(fresh, identity, health):
    """Make an agent whose rounds the test makes."""
    made = []

    def make(*urls: str, key: str = identity.key) -> Agent:
        settings = AgentSettings(key=key, identity_urls=urls, socket=fresh.socket, maps=fresh.maps)
        made.append(Agent(settings, health))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def beside(agent, identity):
    return agent(identity.url)


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
    assert fresh.status("POST", sub="31") == 503

    assert beside.work()

    assert fresh.status("POST") == 200
    assert [fresh.status(sub="31", ver=4), fresh.status(sid=sid), fresh.status(company_id=77)] == [401] * 3
    assert [fresh.status(sub="31", ver=5), fresh.status(company_id=78)] == [200] * 2


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
    assert [fresh.status(sub=sub, ver=4) for sub in ("31", "32", "33")] == [401, 401, 200]
    assert fresh.status("POST") == 200
    beside.work()
    assert fresh.status(sub="33", ver=4) == 401


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
    assert fresh.status("POST") == 503


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
    assert [fresh.status(sid=sid) for sid in (sessions[0], sessions[-1], more[0], more[-1])] == [401] * 4


def test_files_that_cannot_be_written_stop_nobody(beside, fresh, identity, health, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(map_files, "write", full)
        identity.everything = {"users": {"31": 5}}
        assert beside.work()
    assert fresh.status(sub="31", ver=4) == 401
    assert "No space left" in health.trouble["files"]
    beside.work()
    assert in_file(fresh, map_files.USERS) == {"31": "5"}
    assert health.trouble == {}


def test_who_cannot_tell_its_gateway_is_ready_no_more_and_says_how_long_it_has_been(
    beside, fresh, identity, monkeypatch
):
    """Identity answers all the while: what nobody tells HAProxy is worth nothing."""
    assert beside.work()
    assert beside._health.ready
    fresh.kill()
    began = time.monotonic()
    monkeypatch.setattr(monitor, "_LATE_SECONDS", 0.3)
    while time.monotonic() - began < 0.5:
        assert beside.work()
    assert not beside._health.ready
    assert beside._health.age > 0.4
    assert beside._health.alive
    assert "haproxy" in beside._health.reason()
    fresh.start()
    assert beside.work()
    assert beside._health.ready


def test_who_gets_no_answer_from_identity_is_ready_no_more(beside, fresh, identity, monkeypatch):
    """HAProxy is told all the while, of what was known before."""
    assert beside.work()
    began = time.monotonic()
    monkeypatch.setattr(monitor, "_LATE_SECONDS", 0.3)
    identity.status = 500
    while time.monotonic() - began < 0.5:
        assert not beside.work()
    assert not beside._health.ready
    assert beside._health.age > 0.4
    identity.status = 200
    assert beside.work()
    assert beside._health.ready
