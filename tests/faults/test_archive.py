"""A stack goes back to an instant between two writes, as a whole and one service alone, and is healed."""

import shutil
import time
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import requests

from chassis.testing.waiting import wait_until
from crm import places
from crm.backup.dumps import KEY_NAME
from crm.backup.native import FromArchive, FromBackup, backup_at
from crm.backup.options import archive_of, dumps_of
from crm.backup.restoring import Restoration
from crm.errors import OperatorError
from crm.sandbox import temporary_home

pytestmark = [pytest.mark.xdist_group("archive"), pytest.mark.long]


@pytest.fixture(scope="module")
def folder():
    home = temporary_home("crm-archive-")
    yield home / "archive"
    places.remove(home)


@pytest.fixture(scope="module")
def archived_stack(stack_factory, folder):
    return stack_factory(archive=str(folder))


@pytest.fixture
def tenant(archived_stack, register):
    """A company of which customers can be made and looked for."""
    sent, registered = register(f"{archived_stack.gateway_url}/v1")
    return Tenant(archived_stack, registered["access_token"], sent["user"])


class Tenant:
    def __init__(self, stack, token, user):
        self.stack, self.token, self.user = stack, token, user

    def ask(self, method, path, **body):
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": uuid.uuid4().hex}
        url = f"{self.stack.gateway_url}/v1{path}"
        return requests.request(method, url, json=body or None, headers=headers, timeout=20)

    def sign_in(self):
        """Whoever had a token before a restoration of everything has to."""
        body = {"email": self.user["email"], "password": self.user["password"]}
        done = requests.post(f"{self.stack.gateway_url}/v1/auth/login", json=body, timeout=20)
        assert done.status_code == 200, done.text
        self.token = done.json()["access_token"]

    def create(self, name):
        done = self.ask("POST", "/customers", name=name)
        assert done.status_code == 201, done.text
        return done.json()["id"]

    def names(self):
        listed = self.ask("GET", "/customers?limit=100&sort=created_at")
        assert listed.status_code == 200, listed.text
        return [each["name"] for each in listed.json()["data"]]

    def logged(self, number):
        """The names under which the audit log knows a customer, when it knows of any."""
        path = f"/audit-logs?table_name=customers&record_id={number}"
        rows = wait_until(lambda: self.ask("GET", path).json()["data"], 60, pause=0.1)
        return [row["new_values"]["name"] for row in rows]


def clock(stack):
    """PostgreSQL's own: what is committed before is earlier, and what is committed after it is later."""
    with psycopg.connect(stack.postgres.url()) as connection:
        return connection.execute("SELECT clock_timestamp()").fetchone()[0]


def test_everything_goes_back_to_an_instant_between_two_writes(archived_stack, tenant):
    stack = archived_stack
    archive = archive_of(stack)
    before = tenant.create("Before")
    assert tenant.logged(before) == ["Before"]
    instant = clock(stack)
    after = tenant.create("After")
    assert tenant.logged(after) == ["After"]
    said = []
    source = FromArchive(stack, archive, instant)
    source.examine(lambda *step: said.append(step))
    assert tenant.names() == ["Before", "After"]
    began = time.monotonic()
    Restoration(source, instant, lambda *step: said.append(step)).everything()
    print(f"away for {time.monotonic() - began:.1f} s: {said}")  # noqa: T201  # What `make test-faults` shows.
    tenant.sign_in()
    assert tenant.names() == ["Before"]
    assert tenant.logged(before) == ["Before"]
    # What is made from now on has ids that nobody has seen, reaches everybody, and is in the archive too.
    new = tenant.create("New")
    assert new > after
    assert tenant.logged(new) == ["New"]
    archive.check()
    assert "can be read" in archive.verify()


def test_the_archive_leads_on_after_a_restoration_up_to_the_last_commit(archived_stack, tenant):
    stack = archived_stack
    archive = archive_of(stack)
    made = archive.make(datetime.now(UTC))
    assert made.kind == "incr"
    number = tenant.create("Last")
    source = FromArchive(stack, archive, None)
    source.examine(lambda *_: None)
    Restoration(source, made.ended, lambda *_: None).everything()
    tenant.sign_in()
    assert tenant.names() == ["Last"]
    assert tenant.logged(number) == ["Last"]


def test_one_service_goes_back_while_the_others_go_on(archived_stack, tenant):
    stack = archived_stack
    archive = archive_of(stack)
    tenant.create("Kept")
    removed = tenant.create("Removed by mistake")
    instant = clock(stack)
    done = tenant.ask("POST", "/tasks", title="Made since")
    assert done.status_code == 201, done.text
    with psycopg.connect(stack.database_url("customers", "superuser")) as connection:
        # As no event tells of it, only the archive knows.
        connection.execute("DELETE FROM customers WHERE id = %s", (removed,))
    assert tenant.names() == ["Kept"]
    backup = backup_at(stack, archive, "customers", instant, stack.credentials.age_identity(KEY_NAME))
    source = FromBackup(stack, dumps_of(stack), backup)
    assert Restoration(source, instant, lambda *_: None).one("customers")
    shutil.rmtree(backup.folder)
    assert tenant.names() == ["Kept", "Removed by mistake"]
    assert [each["title"] for each in tenant.ask("GET", "/tasks?limit=10").json()["data"]] == ["Made since"]


def test_an_instant_that_the_archive_does_not_lead_to_changes_nothing(archived_stack, tenant):
    archive = archive_of(archived_stack)
    tenant.create("There")
    now = datetime.now(UTC)
    for instant in (archive.bases()[0].ended - timedelta(seconds=1), now + timedelta(minutes=1)):
        with pytest.raises(OperatorError, match="is not in the archive"):
            archive.holds(instant, now)
    assert tenant.names() == ["There"]


def test_nothing_in_the_archive_can_be_read_without_its_key_and_damage_is_found(archived_stack, tenant, folder):
    tenant.create("Quite unmistakable")
    archive = archive_of(archived_stack)
    archive.check()
    archive.make(datetime.now(UTC))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if b"unmistakable" in path.read_bytes()] == []
    assert [path for path in files if path.stat().st_mode & 0o007] == []
    segment = max(
        (path for path in files if path.suffix == ".zst" and "archive" in path.parts), key=lambda p: p.stat().st_mtime
    )
    whole = segment.read_bytes()
    segment.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    with pytest.raises(OperatorError):
        archive.verify()
    segment.write_bytes(whole)
    archive.verify()
