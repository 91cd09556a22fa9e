"""What operators do to the audit service: `python -m audit.operators known <source> <since> | heal`."""

import sys
import time
from datetime import datetime

from audit.queries import last_known
from chassis import logging
from chassis.broker import topology
from chassis.config import Settings, SettingsError, exit_with
from chassis.db.session import Database
from chassis.healing import command
from chassis.healing.known import line_of

USAGE = "usage: python -m audit.operators known <source> <since, RFC 3339 with a zone> | heal"
PATIENCE_SECONDS = 120.0
_ARGUMENTS = 3


def tell_known(source: str, since: datetime) -> None:
    """Print what the log knows of each record of `source` that has changed since then, when all has arrived in it."""
    try:
        settings = Settings.from_environment(required=("owner_database_url", "broker_url"))
    except SettingsError as error:
        exit_with(error)
    _wait_for_the_queue(settings.broker_url)
    database = Database(settings.owner_database_url, application_name="audit-operators")
    try:
        for known in last_known(database, source, since):
            sys.stdout.buffer.write(line_of(known))
    finally:
        database.dispose()


def _wait_for_the_queue(broker_url: str) -> None:
    """Return when nothing waits to be recorded, twice: a batch that is being recorded is not counted as waiting."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    empty = 0
    while empty < 2:  # noqa: PLR2004  # Twice.
        waiting = topology.waiting(broker_url, "audit")
        empty = 0 if waiting else empty + 1
        if time.monotonic() > deadline:
            raise SystemExit(f"{waiting} events wait to be recorded: is audit's worker running?")
        time.sleep(0.5)


def main(arguments: list[str]) -> None:
    """Do what the first argument says."""
    logging.to_stderr()
    if arguments[:1] == [command.COMMAND]:
        # Its log has no versions: what it has missed, its neighbours publish again.
        command.main("audit", {}, arguments[1:])
        return
    if len(arguments) != _ARGUMENTS or arguments[0] != "known":
        raise SystemExit(USAGE)
    tell_known(arguments[1], datetime.fromisoformat(arguments[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
