"""The command that keeps the folder `contracts`: `python -m chassis.contracts write|check|bundle [folder]`."""

import sys
from pathlib import Path

from chassis.contracts.derive import derive
from chassis.contracts.files import Contracts
from chassis.contracts.text import dumps

USAGE = 64  # sysexits.h: the command was used wrongly.


def main(arguments: list[str]) -> None:
    """Run one command at the root of the repository; leaves the process with 1 where something is amiss."""
    match arguments:
        case ["write"]:
            _write(Path.cwd())
        case ["check"]:
            _check(Path.cwd())
        case ["bundle", folder]:
            _bundle(Path.cwd(), Path(folder))
        case _:
            print("usage: python -m chassis.contracts write|check|bundle <folder>", file=sys.stderr)  # noqa: T201  # A command line.
            raise SystemExit(USAGE)


def _write(root: Path) -> None:
    """Write what can be derived."""
    texts, faults = derive(root)
    for path, text in texts.items():
        if not path.is_file() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.relative_to(root)}")  # noqa: T201  # A command line.
    _report(faults)


def _check(root: Path) -> None:
    """Fail where a file is not what it would be written as."""
    texts, faults = derive(root)
    stale = [path for path, text in texts.items() if not path.is_file() or path.read_text() != text]
    _report([*faults, *(f"{path.relative_to(root)} is out of date: make contracts" for path in stale)])


def _bundle(root: Path, folder: Path) -> None:
    """Write a schema for each event that needs no other file."""
    contracts = Contracts(root)
    folder.mkdir(parents=True, exist_ok=True)
    for event_type in contracts.types:
        (folder / f"{event_type}.schema.json").write_text(dumps(contracts.schema(event_type)))


def _report(faults: list[str]) -> None:
    if faults:
        raise SystemExit("\n".join(faults))


if __name__ == "__main__":
    main(sys.argv[1:])
