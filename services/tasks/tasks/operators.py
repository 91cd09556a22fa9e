"""What operators do by hand: `python -m tasks.operators resync | expire-tasks | expire-activities [--dry-run]`."""

import sys
from threading import Event as Flag

from chassis.config import Settings
from chassis.db.session import Database
from chassis.references import resync
from tasks.commands.retention import ACTIVITIES, TASKS, count_expired, expire
from tasks.models import REFERENCES

_EXPIRING = {"expire-tasks": TASKS, "expire-activities": ACTIVITIES}


def main(arguments: list[str]) -> None:
    """Do what the first argument says."""
    if not arguments or arguments[0] not in _EXPIRING:
        resync.main("tasks", REFERENCES, arguments)
        return
    expiring = _EXPIRING[arguments[0]]
    database = Database(Settings.from_environment().database_url)
    if "--dry-run" in arguments:
        sys.stdout.write(f"{count_expired(database, expiring)} would be deleted\n")
        return
    sys.stdout.write(f"{expire(database, Flag(), expiring)} deleted\n")


if __name__ == "__main__":
    main(sys.argv[1:])
