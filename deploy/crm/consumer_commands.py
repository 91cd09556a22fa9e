"""`crm consumers`: other systems that consume the events."""

import time
from pathlib import Path

import click

from crm import modes, screen
from crm.compose.stack import Containers
from crm.consumers import Access, Consumers, Wish, split
from crm.environment import BROKER_PARAMETERS, servers
from crm.errors import NotReadyError, OperatorError
from crm.jobs.places import SERVERS
from crm.servers.rabbitmq import VHOST
from crm.stack import existing


@click.group()
def consumers() -> None:
    """Other systems that consume the events; docs/guides/events.md is for their developers."""


@consumers.command()
@click.argument("name")
@click.option("--company", type=click.IntRange(min=1), help="Only the events of this company; of all without it.")
@click.option("--events", required=True, multiple=True, help="Which: 'customer.*,deal.won'; may be given again.")
@click.option("--days", type=click.IntRange(1, 30), default=7, show_default=True, help="How long an event waits.")
@click.option(
    "--messages",
    type=click.IntRange(1000, 5_000_000),
    default=200_000,
    show_default=True,
    help="How many wait; beyond, and beyond 512 MiB, the oldest are dropped.",
)
@click.pass_obj
def add(home: Path, *, name: str, company: int | None, events: tuple[str, ...], days: int, messages: int) -> None:
    """Give the system NAME a user, a queue and the events that it asks for, from now on."""
    patterns = split(events)
    if not patterns:
        raise OperatorError("--events names no event; one is --events 'customer.*,deal.won'")
    began = time.monotonic()
    wish = Wish(name=name, company=company, events=patterns, days=days, messages=messages)
    found, host = _opened(home)
    access = found.add(wish)
    whose = "all companies" if company is None else f"company {company}"
    screen.step("added", f"{name}: {', '.join(patterns)} of {whose}", time.monotonic() - began)
    _show(access, host)


@consumers.command(name="list")
@click.pass_obj
def list_command(home: Path) -> None:
    """Show every consumer: what it asks for, how many events wait, whether they become more."""
    found, _ = _opened(home)
    rows = [
        (
            one.name,
            one.company,
            ", ".join(one.events),
            str(one.waiting),
            f"{one.change:+.1f}/s",
            str(one.connections),
            str(one.dead),
        )
        for one in found.list_all()
    ]
    if not rows:
        print("There is no consumer; add one with: crm consumers add")
        return
    screen.table([("NAME", "COMPANY", "EVENTS", "WAITING", "CHANGE", "CONNECTED", "DEAD"), *rows])


@consumers.command()
@click.argument("name")
@click.pass_obj
def rotate(home: Path, name: str) -> None:
    """Give NAME another password; the one before and its connections end at once, its queue stays."""
    began = time.monotonic()
    found, host = _opened(home)
    access = found.rotate(name)
    screen.step("rotated", name, time.monotonic() - began)
    _show(access, host)


@consumers.command()
@click.argument("name")
@click.option("--yes", is_flag=True, envvar="YES", help="Do not ask.")
@click.pass_obj
def remove(home: Path, name: str, *, yes: bool) -> None:
    """End NAME: its user, its connections and its queue, with all that waits in it."""
    found, _ = _opened(home)
    if not yes:
        click.confirm(f"Remove {name} and every event that waits for it?", abort=True)
    began = time.monotonic()
    found.remove(name)
    screen.step("removed", name, time.monotonic() - began)


def _opened(home: Path) -> tuple[Consumers, str]:
    """The consumers of the stack that is there, and where its broker is."""
    if modes.kept(home) == modes.COMPOSE:
        return Consumers(Containers(home).rabbitmqctl), SERVERS.rabbitmq
    stack = existing(home)
    try:
        stack.rabbitmq.check()
    except NotReadyError:
        raise OperatorError("RabbitMQ does not answer; start it with: make up") from None
    return Consumers(stack.rabbitmq.control), servers(stack.state).rabbitmq


def _show(access: Access, host: str) -> None:
    print(f"""
  URL       amqp://{access.user}:{access.password}@{host}/{VHOST}{BROKER_PARAMETERS}
  Queue     {access.queue}
  Dead      {access.queue}.dead

  The password is shown this once; the consumer has no other right than to read these two queues.""")
