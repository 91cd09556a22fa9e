"""Restoring a whole stack or one service of it, and healing what the world has heard since."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

from crm.backup.outboxes import queues_of
from crm.backup.restorable import Healable, Report, Restorable
from crm.preparation import Command
from crm.servers.rabbitmq import VHOST
from crm.settings import REFERRING, SERVICES, WEB, WORKER

# What was recorded before a backup may have been published after it, and clocks differ.
MARGIN = timedelta(hours=1)
_REPUBLISHING = "chassis.broker.republishing"
_DRAIN_SECONDS = 30.0
# Each of RabbitMQ's commands starts an Erlang machine.
_AT_ONCE = 4
_LEFT = 3  # The healing command's: some records could not be healed.


class Healing:
    """Heals services that show what was at `instant` or a little after it, in a world that went on."""

    def __init__(self, stack: Healable, instant: datetime, report: Report) -> None:
        self._stack = stack
        self._since = (instant - MARGIN).isoformat()
        self._report = report

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
            began = time.monotonic()
            self._stack.replace_keys()
            self._report("keys", "new ones; everybody signs in anew", time.monotonic() - began)
        began = time.monotonic()
        sources = [source for source in SERVICES if source != service or service == "audit"]
        with ThreadPoolExecutor(len(sources)) as pool:
            said = dict(zip(sources, pool.map(lambda source: self._send(source, service), sources), strict=True))
        told = ", ".join(f"{count} of {source}" for source, count in said.items())
        self._report("events", f"sent to {service} again: {told}", time.monotonic() - began)
        return complete

    def _send(self, source: str, service: str) -> str:
        """Send what a neighbour has published since to this service alone."""
        first = Command(source, (_REPUBLISHING, "published", source, "--since", self._since))
        _, said = self._stack.pipe(first, Command(service, (_REPUBLISHING, "receive", service)))
        return said.strip().removesuffix(" events")

    @contextmanager
    def _fenced(self, *services: str) -> Iterator[None]:
        """Let nothing of these services run, when they have published what they had; start them when all went well."""
        began = time.monotonic()
        for service in services:
            self._stack.stop(service, WEB)
        for service in services:
            if waiting := self._stack.unpublished(service, _DRAIN_SECONDS):
                self._report("not published", f"what {service} still had is lost to the others ({waiting})", 0.0)
        for service in services:
            self._stack.stop(service, WORKER)
        self._report("fenced", ", ".join(services), time.monotonic() - began)
        yield
        began = time.monotonic()
        self._stack.start(services)
        self._report("started", ", ".join(services), time.monotonic() - began)

    def _heal_records(self, service: str, *, keep: str | None, missing: str | None) -> bool:
        """Feed the service's healing with what the audit log knows."""
        options = [*(("--keep", keep) if keep else ()), *(("--missing", missing) if missing else ())]
        healing = Command(service, (f"{service}.operators", "heal", *options), owner=True, documented=(_LEFT,))
        if service == "audit":
            # It has no versions, and nobody knows it better: it takes in again what its neighbours send.
            self._run(service, f"{service}.operators", "heal", owner=True)
            return True
        knowing = ("audit.operators", "known", service, self._since)
        code, said = self._stack.pipe(Command("audit", knowing, owner=True), healing)
        for line in said.splitlines():
            self._report("healed", line, 0.0)
        return code == 0

    def _run(self, service: str, *arguments: str, owner: bool = False) -> str:
        return self._stack.run(Command(service, arguments, owner=owner))


class Restoration(Healing):
    """Puts services of a running stack back to what they were at `instant`, or a little after it."""

    def __init__(self, stack: Restorable, instant: datetime, report: Report) -> None:
        super().__init__(stack, instant, report)
        self._source = stack

    def everything(self) -> None:
        """Put every service back; where the parts were taken one after the other, they are made to agree."""
        with self._fenced(*SERVICES):
            # They tell of a world that is no more; what is in the backup is published again below.
            self._purge_queues()
            self._source.load(tuple(SERVICES), self._report)
            for service in SERVICES:
                self._heal_records(service, keep="latest", missing=None)
        began = time.monotonic()
        for service in SERVICES:
            self._run(service, _REPUBLISHING, "again", service, "--since", self._since)
        self._report("events", "published again to everybody", time.monotonic() - began)

    def _purge_queues(self) -> None:
        """Throw away what waits for services to consume it."""
        began = time.monotonic()
        listed = self._stack.rabbitmqctl("list_queues", "--vhost", VHOST, "name").split()
        queues = [name for service in SERVICES for name in queues_of(service, listed)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda queue: self._stack.rabbitmqctl("purge_queue", "--vhost", VHOST, queue), queues))
        self._report("emptied", f"{len(queues)} queues", time.monotonic() - began)

    def one(self, service: str, *, keep: str | None = None, missing: str | None = None) -> bool:
        """Put one service back into a world that went on, and heal it; whether nothing was left undone."""
        with self._fenced(service):
            self._source.load((service,), self._report)
            return self.heal(service, keep=keep, missing=missing)
