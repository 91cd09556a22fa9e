"""Restoring a whole stack or one service of it, and healing what the world has heard since the backup."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg

from crm import databases, plan
from crm.backup.dumps import Dumps
from crm.backup.shelf import Backup
from crm.environment import database_password, roles
from crm.preparation import Command
from crm.servers.rabbitmq import VHOST
from crm.settings import REFERRING, SERVICES, WEB
from crm.stack import Stack

Report = Callable[[str, str, float], None]
# What was recorded before a backup may have been published after it, and clocks differ.
MARGIN = timedelta(hours=1)
_REPUBLISHING = "chassis.broker.republishing"
_DRAIN_SECONDS = 30.0
_LEFT = 3  # The healing command's: some records could not be healed.


class Restoration:
    """Restores services of a running stack from one backup."""

    def __init__(self, stack: Stack, dumps: Dumps, backup: Backup, report: Report) -> None:
        self._stack = stack
        self._dumps = dumps
        self._backup = backup
        self._report = report

    def everything(self) -> None:
        """Put every service back; the parts, which were taken one after the other, are made to agree."""
        with self._fenced(*SERVICES):
            # They tell of a world that is no more; what is in the backup is published again below.
            for service in SERVICES:
                self._purge_queue(service)
            for service in SERVICES:
                self._load(service)
            for service in SERVICES:
                self._heal_records(service, keep="latest", missing=None)
        began = time.monotonic()
        for service in SERVICES:
            self._run(service, _REPUBLISHING, "again", service, "--since", _text(self._since))
        self._report("events", "published again to everybody", time.monotonic() - began)

    def one(self, service: str, *, keep: str | None = None, missing: str | None = None) -> bool:
        """Put one service back into a world that went on, and heal it; whether nothing was left undone."""
        with self._fenced(service):
            self._load(service)
            return self.heal(service, keep=keep, missing=missing)

    def heal_alone(self, service: str, *, keep: str | None = None, missing: str | None = None) -> bool:
        """Heal a service that was restored by other means, and runs."""
        with self._fenced(service):
            return self.heal(service, keep=keep, missing=missing)

    def heal(self, service: str, *, keep: str | None = None, missing: str | None = None) -> bool:
        """Heal a service that does not run, in an order in which each step finds what it needs."""
        if service in REFERRING:
            # First, because records that are made again name others.
            began = time.monotonic()
            self._stack.resync(service)
            self._report("references", "as their owners know them", time.monotonic() - began)
        began = time.monotonic()
        complete = self._heal_records(service, keep=keep, missing=missing)
        self._report("records", f"{service} agrees with the audit log", time.monotonic() - began)
        if service == "identity":
            # Twice: either of the keys in the backup may have signed since.
            for _ in range(2):
                rotation = self._stack.preparation.rotate_keys(force=True)
                self._stack.preparation.revoke_key(rotation.retired)
            self._report("keys", "new ones; everybody signs in anew", 0.0)
        began = time.monotonic()
        sources = [source for source in SERVICES if source != service or service == "audit"]
        with ThreadPoolExecutor(len(sources)) as pool:
            said = dict(zip(sources, pool.map(lambda source: self._send(source, service), sources), strict=True))
        told = ", ".join(f"{count} of {source}" for source, count in said.items())
        self._report("events", f"sent to {service} again: {told}", time.monotonic() - began)
        return complete

    def _send(self, source: str, service: str) -> str:
        """Send what a neighbour has published since to this service alone."""
        first = Command(source, (_REPUBLISHING, "published", source, "--since", _text(self._since)))
        _, said = self._stack.preparation.pipe(first, Command(service, (_REPUBLISHING, "receive", service)))
        return said.strip().removesuffix(" events")

    @property
    def _since(self) -> datetime:
        return self._backup.began - MARGIN

    def _load(self, service: str) -> None:
        began = time.monotonic()
        self._dumps.restore(self._backup, service)
        # Its roles' rights to connect are the database's own, and no part of a dump.
        credentials = self._stack.credentials
        passwords = {role: database_password(credentials, service, role) for role in roles(service)}
        databases.ensure(self._stack.postgres.url, service, passwords)
        # What is of an older release is brought up to this one's tables.
        self._run(service, "chassis", "migrate", service, owner=True)
        taken = self._backup.parts[service].taken_at[:19]
        self._report("restored", f"{service} as of {taken} UTC", time.monotonic() - began)

    @contextmanager
    def _fenced(self, *services: str) -> Iterator[None]:
        """Let nothing of these services run, when they have published what they had; start them when all went well."""
        stack = self._stack
        programs = list(plan.service_programs(stack.settings, stack.state))
        fenced = [program for program in programs if program.service in services]
        for kind in (True, False):
            for program in fenced:
                if (program.kind == WEB) is kind:
                    stack.stop_program(program.name)
            if kind:
                for service in services:
                    self._drain(service)
        self._report("fenced", ", ".join(services), 0.0)
        yield
        for program in fenced:
            stack.start_program(program.name, wait=False)
        stack.wait_ready()
        if "identity" in services:
            stack.gateway.reload(stack.preparation.public_keys())
            stack.forget_keys()

    def _purge_queue(self, service: str) -> None:
        broker = self._stack.rabbitmq
        queues = broker.control("list_queues", "--vhost", VHOST, "name").split()
        for queue in queues:
            if queue == f"{service}.events" or queue.startswith(f"{service}.retry."):
                broker.control("purge_queue", "--vhost", VHOST, queue)

    def _drain(self, service: str) -> None:
        """Wait until all that happened is published, as far as the database answers and the relay gets on."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        waiting: object = None
        try:
            with psycopg.connect(self._stack.database_url(service, "relay"), autocommit=True) as connection:
                while time.monotonic() < deadline:
                    row = connection.execute("SELECT count(*) FROM outbox WHERE published_at IS NULL").fetchone()
                    if row == (0,):
                        return
                    waiting = row
                    time.sleep(0.1)
        except psycopg.Error as error:
            waiting = str(error).splitlines()[0]
        self._report("not published", f"what {service} still had is lost to the others ({waiting})", 0.0)

    def _heal_records(self, service: str, *, keep: str | None, missing: str | None) -> bool:
        """Feed the service's healing with what the audit log knows."""
        options = [*(("--keep", keep) if keep else ()), *(("--missing", missing) if missing else ())]
        healing = Command(service, (f"{service}.operators", "heal", *options), owner=True, documented=(_LEFT,))
        if service == "audit":
            # It has no versions, and nobody knows it better: it takes in again what its neighbours send.
            self._run(service, f"{service}.operators", "heal", owner=True)
            return True
        knowing = ("audit.operators", "known", service, _text(self._since))
        code, said = self._stack.preparation.pipe(Command("audit", knowing, owner=True), healing)
        for line in said.splitlines():
            self._report("healed", line, 0.0)
        return code == 0

    def _run(self, service: str, module: str, *arguments: str, owner: bool = False) -> str:
        return self._stack.preparation.run(service, module, *arguments, owner=owner)


def _text(moment: datetime) -> str:
    return moment.isoformat()
