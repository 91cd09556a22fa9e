"""The agent as a process: its settings, its log, its signals, what it says of itself."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import requests

from gateway.agent_settings import AgentSettingsError, from_environment


@pytest.fixture
def start(fresh, identity, unused_port):
    """Start the agent as a process; answers it, with its output in `lines`."""
    started = []

    def begin(**changes: str):
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "GATEWAY_AGENT_KEY": identity.key,
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
    wait(lambda: fresh.status("POST") == 200)
    identity.news = {"users": {"32": 5}}
    revoked_at = time.monotonic()
    wait(lambda: fresh.status(sub="32", ver=4) == 401)
    assert time.monotonic() - revoked_at < 2
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")
    assert [json.loads(line)["event"] for line in output.splitlines()] == ["started", "haproxy is told", "stopped"]
    assert identity.key not in output


def test_a_process_that_was_killed_is_replaced_by_the_next(start, fresh, identity, wait) -> None:
    identity.everything = {"users": {"31": 5}}
    first = start()
    wait(lambda: fresh.status("POST") == 200)
    first.kill()
    first.wait()
    (fresh.maps / "users.map.1.new").write_text("half a li")
    identity.everything = {"users": {"31": 5, "32": 5}}
    start()
    wait(lambda: fresh.status(sub="32", ver=4) == 401)
    wait(lambda: not list(fresh.maps.glob("*.new")))


def test_the_process_says_how_it_fares(start, fresh, identity, wait, unused_port) -> None:
    key_file = fresh.folder / "key"
    key_file.write_text(f"{identity.key}\n")
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
    key = "k" * 32
    given = {
        "GATEWAY_AGENT_KEY": key,
        "IDENTITY_URLS": "http://a:1,https://b",
        "HAPROXY_SOCKET": "/s",
        "MAPS_FOLDER": "/m",
    }
    settings = from_environment(given)
    assert settings.identity_urls == ("http://a:1", "https://b")
    assert key not in repr(settings)
    with pytest.raises(AgentSettingsError):
        from_environment(given | {"GATEWAY_AGENT_KEY": key + "\n"})
