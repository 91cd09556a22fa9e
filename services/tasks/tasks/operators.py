"""What operators do: `python -m tasks.operators resync | heal | expire-tasks | expire-activities [--dry-run]`."""

import sys
from collections.abc import Mapping
from functools import partial
from threading import Event as Flag

from chassis.config import Settings
from chassis.db.session import Database
from chassis.healing import command as healing
from chassis.healing.kinds import kinds_of, views_in
from chassis.references import resync
from tasks import events, views
from tasks.commands.customer_purges import CUSTOMER_PURGES
from tasks.commands.neighbours import purge_subject
from tasks.commands.retention import ACTIVITIES, TASKS, count_expired, expire
from tasks.models import DEALS, LEADS, REFERENCES

KINDS = kinds_of(events.PUBLISHED, views_in(views))
# What becomes of what was about a record that its owner does not know.
REMOVERS: Mapping[str, resync.Remove] = {
    "customer": CUSTOMER_PURGES.note,
    "lead": partial(purge_subject, LEADS),
    "deal": partial(purge_subject, DEALS),
}
_EXPIRING = {"expire-tasks": TASKS, "expire-activities": ACTIVITIES}


def main(arguments: list[str]) -> None:
    """Do what the first argument says."""
    if arguments[:1] == [healing.COMMAND]:
        healing.main(events.SOURCE, KINDS, arguments[1:])
        return
    if not arguments or arguments[0] not in _EXPIRING:
        resync.main("tasks", REFERENCES, arguments, removers=REMOVERS)
        return
    expiring = _EXPIRING[arguments[0]]
    database = Database(Settings.from_environment().database_url)
    if "--dry-run" in arguments:
        sys.stdout.write(f"{count_expired(database, expiring)} would be deleted\n")
        return
    sys.stdout.write(f"{expire(database, Flag(), expiring)} deleted\n")


if __name__ == "__main__":
    main(sys.argv[1:])
