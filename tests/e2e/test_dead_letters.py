"""An operator finds a dead letter, looks at it and sends it again, from the command line."""

from contextlib import closing

import pytest
from click.testing import CliRunner

from chassis.broker.amqp import Publisher
from chassis.broker.messages import Message, Outcome
from chassis.testing.waiting import wait_until
from crm import cli

pytestmark = pytest.mark.xdist_group("stack")


def test_a_dead_letter_is_found_shown_and_sent_again(stack):
    def crm(*arguments):
        return CliRunner().invoke(cli.main, ["--home", str(stack.home), "dead-letters", *arguments])

    def listed(*arguments):
        done = crm("list", *arguments)
        assert done.exit_code == 0, done.output
        return [line.split() for line in done.output.splitlines() if "tasks.own-letter" in line]

    with closing(Publisher(stack.broker_url(), name="test")) as publisher:
        assert publisher.wait_ready(10)
        headers = {"crm-routing-key": "tasks.own-letter"}
        message = Message("tasks.own", "tasks.events", b'{"a": "\x1b[31m"}', "poison", headers=headers)
        assert publisher.publish_batch([message], 10) == [Outcome.CONFIRMED]
    wait_until(lambda: listed("tasks"), 30, so=lambda rows: len(rows) == 1, pause=0.2)
    (row,) = listed()
    number = row[1]
    assert row[0] == "tasks"
    shown = crm("show", "tasks", number)
    assert shown.exit_code == 0, shown.output
    assert "attempt 1 at " in shown.output
    assert "MalformedEvent" in shown.output
    assert "\x1b[31m" not in shown.output
    assert crm("replay", "tasks", number).exit_code == 0
    # It is no event now either, so that there is another letter, and the first one says when it was sent.
    wait_until(lambda: listed("tasks"), 30, so=lambda rows: len(rows) == 1, pause=0.2)
    assert [row[1] for row in listed("tasks")] != [number]
    again = crm("replay", "tasks", number)
    assert "sent again before" in again.output
    assert len(listed("tasks", "--replayed")) == 2
    unknown = crm("show", "tasks", "999999")
    assert unknown.exit_code == 1
    assert unknown.output.strip().endswith("tasks has no dead letter 999999")
    assert crm("replay", "tasks").exit_code == 1
    assert crm("replay", "tasks", "1", "--all").exit_code == 1
