"""`crm doctor` on a real stack: well when it is well, and each fault is found with what to do about it."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from chassis.testing.waiting import wait_until
from crm import doctor
from crm.backup.shelf import Part, Shelf
from crm.credentials import Credentials

pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture
def backups(tmp_path):
    shelf = Shelf(tmp_path)
    now = datetime.now(UTC)
    shelf.finish(shelf.begin(now), now, {"customers": Part("x", 1, "", "")})
    return tmp_path


@pytest.fixture
def found(stack, backups):
    """What is wrong, by what it is about; the day may be another one."""

    def look(now=None, folder=backups):
        findings = list(doctor.examine(stack, folder, now or datetime.now(UTC)))
        wrong = {}
        for finding in findings:
            if not finding.well:
                wrong.setdefault(finding.about, []).append(finding.said)
        return wrong

    return look


@pytest.fixture
def customers(stack):
    with psycopg.connect(stack.database_url("customers", "superuser"), autocommit=True) as connection:
        yield connection


def test_a_stack_that_is_well_is_found_well(found):
    assert found() == {}


def test_dead_letters_and_events_that_wait_are_found(found, customers):
    customers.execute(
        "INSERT INTO failed_messages (consumer, routing_key, body, error, history) VALUES ('customers', 'x', 'x', 'x', '[]')"
    )
    customers.execute(
        "INSERT INTO outbox (event_id, company_id, aggregate_type, aggregate_id, aggregate_version, type, routing_key, body,"
        " occurred_at) VALUES (gen_random_uuid(), 1, 'x', 1, 1, 'x', 'x', 'x', now() - interval '1 hour')"
    )
    customers.execute("UPDATE outbox_pending SET next_attempt_at = now() + interval '1 hour', attempts = 21")
    try:
        wrong = found()
    finally:
        customers.execute("DELETE FROM failed_messages WHERE routing_key = 'x'")
        customers.execute("DELETE FROM outbox WHERE routing_key = 'x'")
    assert wrong.keys() == {"dead letters", "outbox"}
    assert wrong["dead letters"] == ["customers has given up 1 messages"]
    assert "1 events wait" in wrong["outbox"][0]
    assert "1 cannot be published" in wrong["outbox"][0]


def test_a_database_that_is_behind_and_a_worker_that_is_away_are_found(stack, found, customers):
    (newest,) = customers.execute("SELECT version_num FROM alembic_version").fetchone()
    customers.execute("UPDATE alembic_version SET version_num = '0001'")
    stack.stop_program("tasks-worker-1")
    try:
        # The broker hears of the end of a connection a moment after the process.
        wrong = wait_until(found, so=lambda findings: "queues" in findings, pause=0.2)
    finally:
        customers.execute("UPDATE alembic_version SET version_num = %s", (newest,))
        stack.start_program("tasks-worker-1")
        stack.wait_ready()
    assert wrong["migrations"] == [f"customers is at 0001, the code wants {newest}"]
    assert any(said.startswith("nobody consumes tasks.events") for said in wrong["queues"])
    assert any(said.startswith("tasks-worker-1") for said in wrong["programs"])


def test_what_has_become_old_is_found(found, tmp_path):
    tomorrow = found(datetime.now(UTC) + timedelta(hours=27))
    assert tomorrow["backups"] == ["the newest is 27 h old"]
    assert {said.partition("'")[0] for said in tomorrow["clock"]} == {"postgres", "identity"}
    assert "keys" not in tomorrow
    assert found(datetime.now(UTC) + timedelta(days=91))["keys"] == ["the key that signs is 91 days old"]
    assert found(folder=tmp_path / "nothing")["backups"] == [f"there is none in {tmp_path / 'nothing'}"]


@pytest.mark.parametrize(
    "value", ["", "short", "changeme-changeme-changeme", "aaaaaaaaaaaaaaaaaaaaaaaa", "my-Password-is-long-enough"]
)
def test_a_secret_that_somebody_could_guess_is_found(value):
    assert doctor.is_placeholder(value)


def test_the_secrets_of_a_stack_are_no_placeholders(tmp_path):
    credentials = Credentials(tmp_path)
    for number in range(300):
        credentials.password(f"p{number}")
    credentials.age_identity("backups")
    assert sum(doctor.is_placeholder(value) for value in credentials.values()) == 0


def test_the_command_says_what_is_wrong_and_fails(stack, backups):
    crm = str(Path(sys.executable).with_name("crm"))
    command = [crm, "--home", str(stack.home), "doctor", "--to"]
    done = subprocess.run([*command, str(backups)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    for secret in json.loads((stack.home / "secrets.json").read_text()).values():
        assert secret not in done.stdout
    done = subprocess.run([*command, str(backups / "none")], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "crm backup" in done.stdout
