"""`crm dead-letters`: what consumers gave up on, to be looked at, mended and sent again."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from crm import modes, screen
from crm.compose.stack import Containers
from crm.errors import OperatorError
from crm.preparation import Preparation
from crm.settings import SERVICES
from crm.stack import existing

_LONGEST = 80
_service = click.argument("service", type=click.Choice(list(SERVICES)))


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Events that a service gave up on after its last attempt, or at once where no retry can mend them."""


@dead_letters.command(name="list")
@click.argument("service", required=False, type=click.Choice(list(SERVICES)))
@click.option("--replayed", is_flag=True, help="Also those that were sent again.")
@click.pass_obj
def list_command(home: Path, service: str | None, *, replayed: bool) -> None:
    """Show the dead letters of SERVICE, or of all."""
    stack, arguments = _opened(home), ["--replayed"] if replayed else []
    chosen = [service] if service else list(SERVICES)
    with ThreadPoolExecutor(len(chosen)) as pool:
        answers = pool.map(lambda name: stack.dead_letters(name, "list", *arguments), chosen)
        found = [(name, letter) for name, letters in zip(chosen, answers, strict=True) for letter in letters]
    if not found:
        print("There is no dead letter.")
        return
    screen.table(
        [
            ("SERVICE", "ID", "FAILED (UTC)", "EVENT", "ATTEMPTS", "REPLAYED", "ERROR"),
            *(
                (
                    name,
                    str(letter["id"]),
                    letter["failed_at"][:19],
                    letter["routing_key"],
                    str(_attempts(letter)),
                    (letter["replayed_at"] or "-")[:19],
                    _last_error(letter),
                )
                for name, letter in found
            ),
        ]
    )


@dead_letters.command()
@_service
@click.argument("ids", nargs=-1, required=True, type=click.IntRange(min=1))
@click.pass_obj
def show(home: Path, service: str, ids: tuple[int, ...]) -> None:
    """Show dead letters of SERVICE whole: the event, each attempt, the trace of the last."""
    for letter in _opened(home).dead_letters(service, "show", *map(str, ids)):
        print(screen.bold(f"{service} {letter['id']} · {letter['routing_key']} · {letter['failed_at'][:19]}"))
        for entry in letter["history"]:
            print(f"  attempt {entry['attempt']} at {entry['at'][:19]}: {_plain([entry['error']])}")
        print(_plain(letter["error"].splitlines()))
        print(_plain(_pretty(letter["body"]).splitlines()) + "\n")


@dead_letters.command()
@_service
@click.argument("ids", nargs=-1, type=click.IntRange(min=1))
@click.option("--all", "everything", is_flag=True, help="All that were not sent again yet.")
@click.option("--force", is_flag=True, help="Make the effect happen again where it has happened.")
@click.pass_obj
def replay(home: Path, service: str, ids: tuple[int, ...], *, everything: bool, force: bool) -> None:
    """Send dead letters of SERVICE to its own queue again, once the cause is mended.

    The event keeps its id, so that an effect that did happen does not happen twice.
    """
    if bool(ids) == everything:
        raise OperatorError("say which: their ids (crm dead-letters list shows them), or --all")
    if force and everything:
        raise OperatorError("--force is for single letters: name their ids")
    sent = _opened(home).dead_letters(service, "replay", *map(str, ids), *(["--force"] if force else []))
    passed_over = [number for number in ids if number not in sent]
    screen.step("replayed", f"{len(sent)} of {service}")
    if passed_over:
        screen.warn("passed over", f"{', '.join(map(str, passed_over))}: sent again before; --force sends it once more")


def _opened(home: Path) -> Preparation | Containers:
    """What runs a service's own commands in the stack that is there."""
    return Containers(home) if modes.kept(home) == modes.COMPOSE else existing(home).preparation


def _attempts(letter: dict[str, Any]) -> int:
    return int(letter["history"][-1]["attempt"]) if letter["history"] else 0


def _last_error(letter: dict[str, Any]) -> str:
    lines = letter["history"][-1]["error"] if letter["history"] else letter["error"].strip().splitlines()[-1]
    return str(lines)[:_LONGEST]


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def _plain(lines: Iterable[str]) -> str:
    """An event may hold anybody's text: what would steer the terminal is shown as a question mark."""
    return "\n".join("".join(sign if sign.isprintable() else "?" for sign in line) for line in lines)
