"""The command that heals a service: `python -m <service>.operators heal`, fed with what the audit log knows."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from chassis.db.owner import owner_database
from chassis.db.session import Database
from chassis.healing.healer import Healer
from chassis.healing.kinds import Kind
from chassis.healing.known import Known, read_known

COMMAND = "heal"
LEFT = 3  # Some records could not be healed; each is named.


def main(
    source: str,
    kinds: Mapping[str, Kind],
    arguments: Sequence[str],
    *,
    keep: Sequence[str] = ("restored", "latest"),
    missing: Sequence[str] = ("recreate", "remove"),
    then: Callable[[Database, Sequence[Known]], Sequence[str]] | None = None,
) -> None:
    """Heal what the lines on standard input tell of, and say what was done.

    `keep` and `missing` are what the service allows, the default first; `then` goes on with what only this service has
    to do, and says what that was.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {source}.operators heal", description=__doc__)
    parser.add_argument("--keep", choices=keep, default=keep[0])
    parser.add_argument("--missing", choices=missing, default=missing[0])
    options = parser.parse_args(arguments)
    with owner_database(source) as database:
        known = list(read_known(sys.stdin.buffer))
        healed = Healer(database, source, kinds, keep=options.keep, missing=options.missing).run(known)
        said = [*healed.lines(), *(then(database, known) if then else ())]
    sys.stdout.write("".join(f"{line}\n" for line in said))
    if healed.left:
        raise SystemExit(LEFT)
