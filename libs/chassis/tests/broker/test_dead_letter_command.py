"""The command about dead letters: it answers JSON and nothing else, and says in a sentence what is in its way."""

import json
import os

import pytest

from chassis.broker import topology
from chassis.errors import Invalid
from chassis.testing.waiting import wait_until


@pytest.fixture
def command(stage, programs):
    """The command as an operator's program runs it; answers what it prints."""

    # What builds the databases of tests sets the owner's URL in this process.
    bare = {key: value for key, value in os.environ.items() if not key.startswith("OWNER_")}

    def run(name, *arguments, **environment):
        urls = {"DATABASE_URL": stage.home.app_url, "BROKER_URL": stage.broker_url}
        module = "chassis.broker.dead_letter_command"
        done = programs.run("-m", module, name, *arguments, environment=bare | urls | environment)
        return (json.loads(done.stdout) if done.returncode == 0 else done.returncode), done.stderr

    return run


@pytest.fixture
def letters(stage):
    """Two dead letters: a message that is no event, and one that its handler refuses."""
    refusals = [Invalid("not_now", "Not now.")]

    def handler(session, event):
        if refusals:
            raise refusals[0]
        stage.effect(session, event)

    subscriptions = stage.subscriptions(handler)
    stage.declare(subscriptions)
    with stage.running(stage.consumer(subscriptions)):
        stage.publish(b"no event\xff\x1b[31m", stage.body())
        wait_until(lambda: len(stage.failed()) == 2)
        yield refusals


def test_letters_are_listed_shown_and_sent_again(stage, letters, command):
    listed, _ = command("list", stage.service)
    first, second = (letter["id"] for letter in listed)
    assert [letter["replayed_at"] for letter in listed] == [None, None]
    shown, _ = command("show", stage.service, str(first), str(second))
    assert [letter["body"] for letter in shown] == ["no event\\xff\x1b[31m", stage.failed()[1][4].decode()]
    assert "Not now." in shown[1]["error"]
    letters.clear()
    assert command("replay", stage.service, str(second))[0] == [second]
    wait_until(lambda: stage.effects() == 1)
    assert [letter["id"] for letter in command("list", stage.service)[0]] == [first]
    assert [letter["id"] for letter in command("list", stage.service, "--replayed")[0]] == [first, second]
    # Without ids: all that were not sent again. What is no event fails anew, and is there once more.
    assert command("replay", stage.service)[0] == [first]
    wait_until(lambda: len(stage.failed()) == 3)
    assert command("replay", stage.service, str(second))[0] == []
    owner = {"OWNER_DATABASE_URL": stage.home.owner_url}
    assert command("replay", stage.service, str(second), "--force", **owner)[0] == [second]
    wait_until(lambda: stage.effects() == 2)


def test_what_cannot_be_done_is_said(stage, command):
    topology.declare(stage.broker_url, stage.service, stage.subscriptions())
    assert command("show", stage.service, "7") == (75, f"{stage.service} has no dead letter 7\n")
    code, said = command("replay", stage.service, "7")
    assert (code, said.splitlines()[-1]) == (75, f"{stage.service} has no dead letter 7")
    code, said = command("replay", stage.service, "7", "--force")
    assert (code, said) == (78, "OWNER_DATABASE_URL is not set (nor OWNER_DATABASE_URL_FILE)\n")
    assert command("replay", stage.service, "x")[0] == 2
