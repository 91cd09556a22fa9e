"""`crm upgrade`: from the release that runs to the one in this checkout, without a gap and with a way back."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from crm import doctor, plan
from crm.backup.dumps import Dumps
from crm.backup.shelf import Backup, Shelf
from crm.errors import OperatorError
from crm.settings import SERVICES, WEB
from crm.stack import Stack
from crm.state import exclusive

Report = Callable[[str, str, float], None]
# What a migration does when the release before cannot run with what it leaves, or data is gone for good.
_CONTRACTS = re.compile(
    r"\bDROP\s+(?:TABLE|COLUMN)\b|\bTRUNCATE\b|\bRENAME\s+(?:TO|COLUMN)\b|\bop\.drop_(?:table|column)\b|\bop\.rename_table\b",
    re.IGNORECASE,
)
# What keeps a stack from being upgraded; the doctor's other findings do not.
_NEEDED = frozenset({"programs", "disk"})
_DRAIN_SECONDS = 0.5


class Upgrade:
    """Takes a running stack to the code that is installed now. Each step may be run again after an interruption."""

    def __init__(self, stack: Stack, dumps: Dumps, shelf: Shelf, report: Report) -> None:
        self._stack = stack
        self._dumps = dumps
        self._shelf = shelf
        self._report = report

    def run(self, *, contract: bool = False) -> Backup:
        """Look, back up, migrate, replace one program after the other, look again; answer the backup of before.

        Raises OperatorError before anything is changed where it could not be taken back: `contract` allows migrations
        after which only the backup leads back.
        """
        began = time.monotonic()
        pending = self._preflight(contract=contract)
        self._report("preflight", f"{len(pending)} migrations to come", time.monotonic() - began)
        began = time.monotonic()
        backup = self._dumps.make(self._shelf, self._stack.credentials.path)
        self._report("backup", backup.name, time.monotonic() - began)
        with exclusive(self._stack.home):
            # The release that runs goes on with the tables of the new one.
            keys = self._stack.prepare(self._report)
            self._stack.apply(self._roll)
            self._stack.gateway.reload(keys)
        began = time.monotonic()
        self._stack.wait_ready()
        if wrong := self._wrong():
            raise OperatorError("\n".join(["upgraded, and not all is well:", *wrong, way_back(backup)]))
        self._report("verify", f"{len(self._stack.checks())} programs ready", time.monotonic() - began)
        return backup

    def _preflight(self, *, contract: bool) -> list[Path]:
        current = {service: revision(self._stack, service) for service in SERVICES}
        return pending_migrations(current, self._wrong(), contract=contract)

    def _wrong(self) -> list[str]:
        findings = doctor.examine(self._stack, self._shelf.folder, datetime.now(UTC))
        return [f"{each.about}: {each.said}" for each in findings if each.about in _NEEDED and not each.well]

    def _roll(self, name: str, replace: Callable[[], None]) -> None:
        """Replace one program while the others work."""
        began = time.monotonic()
        with self._drained(name):
            replace()
            self._stack.start_program(name)
        self._report("roll", name, time.monotonic() - began)

    @contextmanager
    def _drained(self, name: str) -> Iterator[None]:
        """Have the gateway send a web process nothing meanwhile, where there is another one."""
        server = self._server(name)
        if server is None:
            yield
            return
        self._stack.gateway.tell(f"set server {server} state drain")
        # Requests that are on their way arrive.
        time.sleep(_DRAIN_SECONDS)
        try:
            yield
        finally:
            self._stack.gateway.tell(f"set server {server} state ready")
        # The next one to be drained is the only other one there may be.
        self._stack.gateway.wait_for(server)

    def _server(self, name: str) -> str | None:
        """A web process as HAProxy calls it; None for one that is alone, and for all else."""
        programs = [each for each in plan.service_programs(self._stack.settings, self._stack.state) if each.kind == WEB]
        service = next((each.service for each in programs if each.name == name), None)
        names = [each.name for each in programs if each.service == service]
        return f"{service}/{service}{names.index(name) + 1}" if len(names) > 1 else None


def revision(stack: Stack, service: str) -> str:
    """What a service's database is at; "" where it was never migrated."""
    with psycopg.connect(stack.postgres.url(service)) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def pending_migrations(current: Mapping[str, str], wrong: Sequence[str], *, contract: bool) -> list[Path]:
    """The migrations that databases at these revisions need.

    Raises OperatorError where there is no way back, and for what is `wrong` with the stack besides.
    """
    reasons = list(wrong)
    pending: list[Path] = []
    for service, there in current.items():
        files = doctor.migrations(service)
        newest = files[-1].name[:4]
        if there > newest:
            reasons.append(
                f"{service}'s database is at {there}, of a newer release than this one, which knows {newest}: "
                "restore a backup of that time instead (crm restore)"
            )
        pending += [file for file in files if file.name[:4] > there]
    contracting = [file for file in pending if contracts(file)]
    if contracting and not contract:
        names = ", ".join(f"{file.parents[2].name} {file.stem}" for file in contracting)
        reasons.append(f"the release before cannot run after {names}: go on with --contract if it need not")
    if reasons:
        raise OperatorError("\n".join(["nothing was changed:", *reasons]))
    return pending


def contracts(migration: Path) -> bool:
    """Whether the release before cannot run with what a migration leaves, or data is gone."""
    return bool(_CONTRACTS.search(migration.read_text().partition("def downgrade")[0]))


def way_back(backup: Backup) -> str:
    """What to do when the new release has to go again."""
    return (
        f"back: check out the release of before, run make up, and crm restore everything --backup {backup.name} "
        "where its migrations are in the way"
    )
