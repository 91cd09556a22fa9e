"""The archive of a PostgreSQL, by pgBackRest: base backups and every change since, for any instant in between."""

import hashlib
import hmac
import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from crm import screen
from crm.errors import OperatorError
from crm.files import write_private
from crm.programs import PGBACKREST, SYSTEM_PATH, require, system_binary

STANZA = "crm"
KEEP_DAYS = 30
# A full base backup is made where the last one is older; those between hold what has changed since.
FULL_EVERY = timedelta(days=7)
# What is committed is in the archive after this time at the latest, also where little is written.
LONGEST_WAIT_SECONDS = 60
CONFIGURATION = "pgbackrest.conf"
_LAST_LINES = 12
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]+")


@dataclass(frozen=True)
class BaseBackup:
    """What recovery begins with: it leads to every instant from its end on."""

    name: str
    kind: str
    ended: datetime
    size: int


@dataclass(frozen=True)
class Place:
    """Where an archive lies: a folder, or `s3://bucket/prefix?endpoint=HOST&region=REGION`."""

    folder: Path | None
    options: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> "Place":
        """Raises OperatorError for what is neither."""
        if "://" not in text:
            if not text.startswith("/") or "\n" in text:
                raise OperatorError(f"{text} is no absolute path of a folder, nor does it begin with s3://")
            return cls(Path(text), {"type": "posix", "path": text})
        parts = urlsplit(text)
        given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc) or set(given) - _S3_OPTIONS:
            raise OperatorError(f"{text} is no archive; write s3://bucket/prefix?endpoint=HOST&region=REGION")
        if missing := {"endpoint", "region"} - set(given):
            raise OperatorError(f"{text} does not say its {' and '.join(sorted(missing))}")
        values = {"type": "s3", "path": parts.path or "/", "s3-bucket": parts.netloc}
        return cls(None, values | {_S3_NAMES[name]: value for name, value in given.items()})


_S3_NAMES = {"endpoint": "s3-endpoint", "region": "s3-region", "style": "s3-uri-style", "ca": "storage-ca-file"}
_S3_OPTIONS = frozenset(_S3_NAMES)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The PostgreSQL whose archive it is; `host` and `password` are for the superuser's connections."""

    data: Path
    host: str
    port: int
    password: str
    account: pwd.struct_passwd | None = None


def passphrase(identity: str) -> str:
    """What an archive is encrypted with, from the secret key of backups: whoever keeps that can open both."""
    return hmac.new(identity.strip().encode(), b"pgbackrest", hashlib.sha256).hexdigest()


def configuration(place: Place, cluster: Cluster, secrets: Mapping[str, str], lock: Path) -> str:
    """The file of pgBackRest; `secrets` are `cipher-pass` and, for S3, `s3-key` and `s3-key-secret`."""
    repository = {**place.options, "cipher-type": "aes-256-cbc", **secrets}
    repository |= {"retention-full-type": "time", "retention-full": str(KEEP_DAYS), "bundle": "y"}
    everywhere = {
        "compress-type": "zst",
        "process-max": "2",
        "start-fast": "y",
        "lock-path": str(lock),
        "log-level-file": "off",
        "log-level-console": "off",
        "log-level-stderr": "warn",
        "log-timestamp": "n",
    }
    lines = ["[global]", *(f"repo1-{name}={value}" for name, value in repository.items())]
    lines += [f"{name}={value}" for name, value in everywhere.items()]
    own = {"pg1-path": str(cluster.data), "pg1-port": str(cluster.port), "pg1-user": "postgres"}
    lines += ["", f"[{STANZA}]", *(f"{name}={value}" for name, value in own.items())]
    return "\n".join(lines) + "\n"


def server_settings(configured: Path) -> Mapping[str, str]:
    """What PostgreSQL is told, so that every change goes into the archive."""
    return {
        "archive_mode": "on",
        "archive_command": f"{_inside(configured)} archive-push %p",
        "archive_timeout": f"{LONGEST_WAIT_SECONDS}s",
    }


def restore_command(configured: Path, data: Path | None = None) -> str:
    """How a PostgreSQL that recovers gets what it asks for; `data` is its folder where that is another one."""
    elsewhere = f" --pg1-path={shlex.quote(str(data))}" if data else ""
    return f"{_inside(configured)}{elsewhere} archive-get %f %p"


def _inside(configured: Path) -> str:
    # PostgreSQL takes a percent sign for a place to fill in.
    return f"pgbackrest --config={shlex.quote(str(configured))} --stanza={STANZA}".replace("%", "%%")


class Archive:
    """One archive in its place; its commands run as the account that PostgreSQL runs as."""

    def __init__(self, place: Place, cluster: Cluster, secrets: Mapping[str, str], folder: Path) -> None:
        self.place = place
        self._cluster = cluster
        self._secrets = secrets
        self._folder = folder
        self.configured = folder / CONFIGURATION

    @property
    def settings(self) -> Mapping[str, str]:
        return server_settings(self.configured)

    def prepare(self) -> None:
        """Write its configuration and make its folder. Raises OperatorError where PostgreSQL may not write to it."""
        require(system_binary("pgbackrest"), PGBACKREST)
        account = self._cluster.account
        lock = self._folder / "pgbackrest"
        lock.mkdir(mode=0o700, exist_ok=True)
        write_private(self.configured, configuration(self.place, self._cluster, self._secrets, lock))
        made = [lock, self.configured]
        folder = self.place.folder
        if folder is not None and not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            made.append(folder)
        if account is not None:
            for path in made:
                os.chown(path, account.pw_uid, account.pw_gid)
        if folder is not None and not self._may_write(folder):
            name = account.pw_name if account else pwd.getpwuid(os.geteuid()).pw_name
            raise OperatorError(f"{name} may not write to {folder}, where the archive is to be")

    def begin(self) -> None:
        """Make it where it is not there yet, in which case a base backup is wanted. PostgreSQL has to run.

        Raises OperatorError where another PostgreSQL's archive is in its place.
        """
        self._run("stanza-create")

    def make(self, now: datetime, *, full: bool = False) -> BaseBackup:
        """A base backup: what has changed since the last one, or all where that is older than a week or is wanted."""
        fulls = [each for each in self.bases() if each.kind == "full"]
        kind = "full" if full or not fulls or now - fulls[-1].ended > FULL_EVERY else "incr"
        self._run("backup", f"--type={kind}")
        return self.bases()[-1]

    def bases(self) -> list[BaseBackup]:
        """Every base backup, the oldest first; none where there is no archive yet."""
        listed: list[dict[str, Any]] = json.loads(self._run("info", "--output=json"))
        found = [each for stanza in listed for each in stanza.get("backup", ())]
        return [
            BaseBackup(
                each["label"],
                each["type"],
                datetime.fromtimestamp(each["timestamp"]["stop"], UTC),
                each["info"]["repository"]["delta"],
            )
            for each in found
        ]

    def check(self) -> None:
        """Have PostgreSQL put all that is committed by now into the archive, and wait until it is there."""
        self._run("check")

    def verify(self) -> str:
        """Read everything in it, and hold it to its checksums. Raises OperatorError with what is damaged."""
        said = self._run("verify", "--output=text", "--verbose")
        if "status: ok" not in said:
            raise OperatorError(f"the archive is damaged:\n{said.strip()}")
        return f"{len(self.bases())} base backups and what was written since can be read"

    def holds(self, instant: datetime, now: datetime) -> None:
        """Raise OperatorError unless it may lead to that instant."""
        bases = self.bases()
        if not bases:
            raise OperatorError("there is no base backup in the archive; make one with: crm backup base")
        if not bases[0].ended < instant <= now:
            earliest = f"{bases[0].ended:%Y-%m-%dT%H:%M:%SZ}"
            raise OperatorError(f"{instant.isoformat()} is not in the archive, which leads back to {earliest}")

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Its base backups as a table has them."""
        return [
            (each.name, each.kind, f"{each.ended:%Y-%m-%dT%H:%M:%S}", screen.size(each.size)) for each in self.bases()
        ]

    def restore(self, folder: Path, instant: datetime | None, *, in_place: bool = False) -> None:
        """Put into an empty folder what recovers by itself to `instant` (else to the last that is known) when started.

        `in_place` replaces what another server has left there.
        """
        wanted = [f"--pg1-path={folder}", f"--recovery-option=restore_command={restore_command(self.configured)}"]
        if instant is not None:
            text = instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
            wanted += ["--type=time", f"--target={text}", "--target-action=promote"]
        if in_place:
            wanted.append("--delta")
        self._run("restore", *wanted)

    def empty_folder(self, path: Path) -> Path:
        """A folder of PostgreSQL's account with nothing in it."""
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        account = self._cluster.account
        if account is not None:
            os.chown(path, account.pw_uid, account.pw_gid)
        return path

    def _may_write(self, folder: Path) -> bool:
        account = self._cluster.account
        command = ["/usr/bin/test", "-w", str(folder), "-a", "-x", str(folder)]
        return subprocess.run(command, check=False, **_as(account)).returncode == 0

    def _run(self, command: str, *options: str) -> str:
        binary = require(system_binary("pgbackrest"), PGBACKREST)
        cluster = self._cluster
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(binary), f"--config={self.configured}", f"--stanza={STANZA}", command, *options],
            # libpq's own variables: pgBackRest itself knows sockets alone.
            env={"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "PGHOST": cluster.host, "PGPASSWORD": cluster.password},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **_as(cluster.account),
        )
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:]
            raise OperatorError(f"pgbackrest {command} failed:\n" + "\n".join(f"    {line}" for line in lines))
        return done.stdout


def note_the_time(url: str) -> None:
    """Have a transaction in the log: recovery knows the time by them, and reaches no instant without one after it."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute("SELECT pg_current_xact_id()")


def _as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
