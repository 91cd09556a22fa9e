"""`crm upgrade` of a stack of containers: the steps of a native one, by Docker's own commands."""

import json
import time
from collections.abc import Callable

from crm.compose.stack import Containers
from crm.errors import OperatorError
from crm.plan import GATEWAY_AGENT, PAGES
from crm.settings import SERVICES, WEB, WORKER
from crm.upgrading import pending_migrations

Report = Callable[[str, str, float], None]
# PostgreSQL's image has no more to say of its disk than this.
_FREE_KIB = "df --output=avail /var/lib/postgresql/data | tail -n 1"
_LEAST_KIB = 2 * 1024**2


class Upgrade:
    """Takes running containers to the code of this checkout. Each step may be run again after an interruption."""

    def __init__(self, stack: Containers, report: Report) -> None:
        self._stack = stack
        self._report = report

    def run(self, *, contract: bool = False) -> None:
        """Build, look, back up, migrate, replace one container after the other, look again.

        Raises OperatorError before anything that runs is changed where it could not be taken back: `contract` allows
        migrations after which only the backup leads back.
        """
        self._timed("images", lambda: f"{self._stack.build()} built")
        # What a newer release has besides is made; what is there stays.
        self._stack.job("secrets")
        self._timed("preflight", lambda: self._preflight(contract=contract))
        self._timed("backup", lambda: self._stack.backup("make").split()[2])
        self._timed("expand", self._expand)
        for service in SERVICES:
            # Those who publish first, as a worker reads what the release before has written.
            for kind in (WORKER, WEB):
                self._roll(f"{service}-{kind}")
        self._roll(PAGES)
        self._timed("gateway", self._gateway)
        self._timed("verify", self._verify)

    def _preflight(self, *, contract: bool) -> str:
        revisions = json.loads(self._stack.backup("revisions"))
        return f"{len(pending_migrations(revisions, self._wrong(), contract=contract))} migrations to come"

    def _expand(self) -> str:
        """The release that runs goes on with the tables and queues of the new one."""
        self._stack.job("databases")
        for service in SERVICES:
            self._stack.job(f"{service}-prepare")
        return "every database and queue is as the code wants it"

    def _roll(self, name: str) -> None:
        began = time.monotonic()
        replaced = self._stack.roll(name, outdated=True)
        if replaced:
            self._report("roll", name, time.monotonic() - began)

    def _gateway(self) -> str:
        """Its agent is away for less than the time that HAProxy trusts what it knows."""
        self._stack.configure_gateway()
        self._stack.replace(GATEWAY_AGENT)
        return "configured"

    def _verify(self) -> str:
        if wrong := self._wrong():
            raise OperatorError("\n".join(["upgraded, and not all is well:", *wrong]))
        return f"{len(self._stack.containers())} containers ready"

    def _wrong(self) -> list[str]:
        found = [f"programs: {row.name}: {row.reason}" for row in self._stack.containers() if row.reason]
        free = int(self._stack.run("exec", "--no-TTY", "postgres", "sh", "-c", _FREE_KIB))
        if free < _LEAST_KIB:
            found.append(f"disk: {free / 1024**2:.1f} GiB free for postgres")
        return found

    def _timed(self, label: str, step: Callable[[], str]) -> None:
        began = time.monotonic()
        said = step()
        self._report(label, said, time.monotonic() - began)
