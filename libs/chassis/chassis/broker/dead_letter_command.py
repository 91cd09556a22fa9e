"""The dead letters of a service, for its operators: `python -m chassis.broker.dead_letter_command list|show|replay`.

It answers JSON, of which `crm dead-letters` makes a page.
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import structlog

from chassis.broker import dead_letters
from chassis.broker.messages import BrokerUnavailable
from chassis.config import Settings, SettingsError, exit_with
from chassis.db.session import Database

TRY_LATER = 75  # sysexits.h: nothing is wrong with the command, and stderr says in a sentence what is in its way.
PAGE = 100


def main(arguments: list[str]) -> None:
    """Run one command; leaves with 75 and a sentence where it cannot be done, with 78 when settings are missing."""
    parser = argparse.ArgumentParser(prog="dead_letter_command", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("list", "show", "replay"):
        command = commands.add_parser(name)
        command.add_argument("service")
        if name == "list":
            command.add_argument("--replayed", action="store_true", help="those that were replayed as well")
        else:
            command.add_argument("ids", nargs="+" if name == "show" else "*", type=int)
    commands.choices["replay"].add_argument("--force", action="store_true", help="also where the effect is there")
    options = parser.parse_args(arguments)
    # What the broker's connection says about itself is no part of the answer.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        answer = _run(options)
    except SettingsError as error:
        exit_with(error)
    except (dead_letters.ReplayError, BrokerUnavailable) as error:
        print(error, file=sys.stderr)  # noqa: T201  # A command line.
        raise SystemExit(TRY_LATER) from error
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")


def _run(options: argparse.Namespace) -> list[Any]:
    """What the command answers: letters, or the ids of those that were sent again."""
    replays = options.command == "replay"
    settings = Settings.from_environment(required=("broker_url",) if replays else ())
    # The app's role may not take an effect's mark away.
    url = settings.owner_database_url if replays and options.force else settings.database_url
    if not url:
        raise SettingsError(["OWNER_DATABASE_URL is not set (nor OWNER_DATABASE_URL_FILE)"])
    database = Database(url, application_name=f"{options.service}-dead-letters-{os.getpid()}")
    if options.command == "list":
        return [_shown(letter) for letter in _every(database, options.service, replayed=options.replayed)]
    if options.command == "show":
        return [_whole(database, options.service, number) for number in options.ids]
    ids = options.ids or [letter.id for letter in _every(database, options.service, replayed=False)]
    return dead_letters.replay(database, settings.broker_url, options.service, ids, force=options.force) if ids else []


def _every(database: Database, service: str, *, replayed: bool) -> Iterator[dead_letters.DeadLetter]:
    after = 0
    while page := dead_letters.list_dead_letters(database, service, replayed=replayed, after=after, most=PAGE):
        yield from page
        after = page[-1].id


def _shown(letter: dead_letters.DeadLetter) -> dict[str, Any]:
    return dataclasses.asdict(letter)


def _whole(database: Database, service: str, number: int) -> dict[str, Any]:
    letter, body = dead_letters.get_dead_letter(database, service, number)
    return _shown(letter) | {"body": body.decode("utf-8", "backslashreplace")}


if __name__ == "__main__":
    main(sys.argv[1:])
