"""Where a run of tests takes its servers from, as far as that can be seen without a Docker engine."""

import os
import subprocess
import sys

import psycopg

from crm import modes, testing
from crm.sandbox import Sandbox


def test_what_runs_in_containers_is_told_to_the_workers_of_a_run():
    urls = {"postgres:17": "postgresql://postgres@127.0.0.1:1/postgres", "rabbitmq:4": "amqp://a@127.0.0.1:2/main"}
    told = Sandbox.loads(Sandbox("", None, None, ("main", "gw0"), urls).dumps())
    assert (told.url("postgresql"), told.url("amqp")) == tuple(urls.values())
    assert told.vhosts == ("main", "gw0")
    assert Sandbox("", 1, None, ("main",)).url("amqp") is None


def test_without_an_engine_the_servers_are_private_ones_and_the_reason_is_said(tmp_path):
    told = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}
    command = [sys.executable, "-m", "crm.sandbox", "--containers", "--no-broker"]
    with subprocess.Popen(command, env=told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        sandbox = Sandbox.loads(process.stdout.readline())
        with psycopg.connect(sandbox.postgres().url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        process.stdin.close()
    assert process.returncode == 0
    assert sandbox.url("postgresql") is None
    assert "the Docker engine cannot run the servers" in sandbox.reason


def test_containers_are_taken_of_an_engine_of_this_machine_that_is_wanted(monkeypatch):
    monkeypatch.setattr(modes, "engine_answers", lambda: True)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv(testing.SERVERS_VARIABLE, raising=False)
    assert testing._has_engine()
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker.example:2376")
    assert not testing._has_engine()
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv(testing.SERVERS_VARIABLE, "private")
    assert not testing._has_engine()
