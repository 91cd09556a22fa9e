"""`crm doctor`: what an operator would look at when something is wrong, or about to be."""

import re
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path

import psycopg

from crm.backup.dumps import REPLACED
from crm.backup.shelf import Shelf
from crm.errors import OperatorError
from crm.http_client import ask
from crm.servers.rabbitmq import VHOST
from crm.settings import SERVICES
from crm.stack import Stack

CLOCK_SECONDS = 2.0
LEAST_DISK = 2 * 1024**3
LEAST_DISK_PART = 0.1
OUTBOX_SECONDS = 60.0
KEY_AGE = timedelta(days=90)
BACKUP_AGE = timedelta(hours=26)
SHORTEST_SECRET = 16
_PLACEHOLDER = re.compile(r"change.?me|password|secret|example|placeholder|default|x{6,}|0{6,}|123456", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """What one look has shown; `cure` is empty where all is well."""

    about: str
    said: str
    cure: str = ""

    @property
    def well(self) -> bool:
        return not self.cure


def examine(stack: Stack, backups: Path, now: datetime) -> Iterator[Finding]:
    """Every look, one after the other; one that cannot be had is a finding too."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _programs(stack),
        lambda: _clock(stack, now),
        lambda: _disk(stack),
        lambda: _secrets(stack),
        lambda: _migrations(stack),
        lambda: _outboxes(stack),
        lambda: _dead_letters(stack),
        lambda: _queues(stack),
        lambda: _keys(stack, now),
        lambda: _backups(stack, backups, now),
        lambda: _archive(stack, now),
    )
    for look in looks:
        try:
            yield from look()
        except (OperatorError, psycopg.Error, OSError) as error:
            yield Finding(look.__code__.co_names[0].strip("_"), str(error).splitlines()[0], "see what does not run")


def _programs(stack: Stack) -> Iterator[Finding]:
    rows = stack.programs()
    for row in rows:
        if row.reason:
            yield Finding("programs", f"{row.name}: {row.reason}", f"make logs S={row.name}; make up")
    if not any(row.reason for row in rows):
        yield Finding("programs", f"{len(rows)} run and are ready")


def _clock(stack: Stack, now: datetime) -> Iterator[Finding]:
    """Tokens, events and schedules go by the clock: all machines have to agree."""
    with psycopg.connect(stack.postgres.url()) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    there = {"postgres": row[0]}
    date = ask(f"{stack.web_urls('identity')[0]}/livez").headers.get("date")
    if date:
        there["identity"] = parsedate_to_datetime(date)
    apart = {name: abs((moment - now).total_seconds()) for name, moment in there.items()}
    late = {name: seconds for name, seconds in apart.items() if seconds > CLOCK_SECONDS + (name == "identity")}
    for name, seconds in late.items():
        yield Finding("clock", f"{name}'s is {seconds:.0f} s off", "let NTP set the clocks (systemd-timesyncd, chrony)")
    if not late:
        yield Finding("clock", "the servers agree")


def _disk(stack: Stack) -> Iterator[Finding]:
    for folder in dict.fromkeys((stack.home, stack.postgres.data)):
        usage = shutil.disk_usage(folder)
        said = f"{usage.free / 1024**3:.1f} GiB free for {folder.name}"
        short = usage.free < LEAST_DISK or usage.free < usage.total * LEAST_DISK_PART
        yield Finding("disk", said, "make room: PostgreSQL stops without any, RabbitMQ before that" if short else "")


def _secrets(stack: Stack) -> Iterator[Finding]:
    path = stack.credentials.path
    cure = "set another one in secrets.json and run make up"
    weak = [name for name, value in stack.credentials.items() if is_placeholder(value)]
    for name in weak:
        yield Finding("secrets", f"{name} is short or a placeholder", cure)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("secrets", f"others may read {path.name}", f"chmod 600 {path}")
    elif not weak:
        yield Finding("secrets", "none is a placeholder, and nobody else may read them")


def is_placeholder(value: str) -> bool:
    """Whether a secret is one that somebody could guess."""
    value = value.removeprefix("AGE-SECRET-KEY-")
    return len(value) < SHORTEST_SECRET or len(set(value)) < SHORTEST_SECRET / 2 or bool(_PLACEHOLDER.search(value))


def _migrations(stack: Stack) -> Iterator[Finding]:
    behind = False
    for service in SERVICES:
        with psycopg.connect(stack.postgres.url(service)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        there, newest = row[0] if row else "none", migrations(service)[-1].name[:4]
        if there != newest:
            behind = True
            yield Finding("migrations", f"{service} is at {there}, the code wants {newest}", "make up")
    if not behind:
        yield Finding("migrations", "every database is as the code wants it")


def migrations(service: str) -> list[Path]:
    """Those of the code that is installed, in order."""
    spec = find_spec(service)
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    places = (package / "migrations" / "versions", package.parent / "migrations" / "versions")
    return sorted((path for place in places for path in place.glob("[0-9]*.py")), key=lambda path: path.name)


def _outboxes(stack: Stack) -> Iterator[Finding]:
    late = False
    for service in SERVICES:
        with psycopg.connect(stack.postgres.url(service)) as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float8,"
                " count(*) FILTER (WHERE attempts >= 20) FROM outbox_pending"
            ).fetchone()
        assert row is not None
        waiting, oldest, stuck = row
        if oldest > OUTBOX_SECONDS or stuck:
            late = True
            said = f"{service}: {waiting} events wait, the oldest for {oldest:.0f} s, {stuck} cannot be published"
            yield Finding("outbox", said, "docs/runbook.md#outboxnotdraining")
    if not late:
        yield Finding("outbox", "every service has published what it had")


def _dead_letters(stack: Stack) -> Iterator[Finding]:
    found = False
    for service in SERVICES:
        with psycopg.connect(stack.postgres.url(service)) as connection:
            row = connection.execute("SELECT count(*) FROM failed_messages WHERE replayed_at IS NULL").fetchone()
        if row and row[0]:
            found = True
            yield Finding("dead letters", f"{service} has given up {row[0]} messages", "docs/runbook.md#deadletters")
    if not found:
        yield Finding("dead letters", "there is none")


def _queues(stack: Stack) -> Iterator[Finding]:
    listed = stack.rabbitmq.control("list_queues", "--vhost", VHOST, "--no-table-headers", "name", "messages")
    queues = {name: int(messages) for name, messages in map(str.split, listed.splitlines())}
    # The list of queues counts consumers too, but those of quorum queues only every five seconds.
    consumed = set(
        stack.rabbitmq.control("list_consumers", "--vhost", VHOST, "--no-table-headers", "queue_name").split()
    )
    well = True
    for service in SERVICES:
        name = f"{service}.events"
        # Who consumes nothing has no queue.
        if name in queues and name not in consumed:
            well = False
            yield Finding(
                "queues", f"nobody consumes {name}: {queues[name]} messages wait", "docs/runbook.md#effectslate"
            )
    if "crm.unrouted" not in queues:
        well = False
        yield Finding("queues", "the topology is missing", "make up")
    elif queues["crm.unrouted"]:
        well = False
        said = f"{queues['crm.unrouted']} events had no queue"
        yield Finding("queues", said, "run `python -m chassis topology` of each service, then republish")
    if well:
        yield Finding("queues", "all are there, and consumed")


def _keys(stack: Stack, now: datetime) -> Iterator[Finding]:
    active = [key for key in stack.signing_keys() if key.status == "active"]
    if not active:
        yield Finding("keys", "no key signs tokens", "make up")
        return
    made = datetime.fromisoformat(active[-1].created_at)
    age = now - (made if made.tzinfo else made.replace(tzinfo=UTC))
    yield Finding("keys", f"the key that signs is {age.days} days old", "make rotate-keys" if age > KEY_AGE else "")


def _backups(stack: Stack, folder: Path, now: datetime) -> Iterator[Finding]:
    backups = Shelf(folder).all()
    if not backups:
        yield Finding("backups", f"there is none in {folder}", "crm backup")
    else:
        age = now - backups[-1].began
        hours = age.total_seconds() / 3600
        yield Finding("backups", f"the newest is {hours:.0f} h old", "crm backup" if age > BACKUP_AGE else "")
    with psycopg.connect(stack.postgres.url()) as connection:
        query = "SELECT datname FROM pg_database WHERE right(datname, %s) = %s ORDER BY 1"
        rows = connection.execute(query, (len(REPLACED), REPLACED)).fetchall()
    if rows:
        names = ", ".join(name for (name,) in rows)
        yield Finding("backups", f"from before a restoration there are still: {names} (drop them when you are sure)")


def _archive(stack: Stack, now: datetime) -> Iterator[Finding]:
    archive = stack.postgres.archive
    if archive is None:
        return
    with psycopg.connect(stack.postgres.url()) as connection:
        row = connection.execute("SELECT last_failed_time, last_archived_time FROM pg_stat_archiver").fetchone()
    failed, archived = row or (None, None)
    if failed and (archived is None or failed > archived):
        yield Finding("archive", f"nothing got there at {failed:%H:%M:%S} UTC", "make logs S=postgres: its disk fills")
    bases = archive.bases()
    said = f"any instant since {bases[0].ended:%Y-%m-%d %H:%M:%S} UTC" if bases else "there is no base backup"
    yield Finding("archive", said, "" if bases and now - bases[-1].ended < BACKUP_AGE else "crm backup base")
