"""supervisord's programs, replaced where they have changed."""

import shutil
import sys

import pytest

from chassis.testing.waiting import wait_until
from crm.launch import LaunchPlan
from crm.processes import Process
from crm.sandbox import temporary_home
from crm.supervision import Supervised, Supervisor

# It notes when it is told to end and when it does, and is in no hurry.
PROGRAM = """
import signal, sys, time

def note(what):
    with open(sys.argv[1], "a") as notes:
        notes.write(f"{time.monotonic()} {sys.argv[2]} {what}\\n")

def end(*_):
    note("told")
    time.sleep(0.4)
    note("ended")
    sys.exit()

signal.signal(signal.SIGTERM, end)
note("started")
while True:
    signal.pause()
"""
SERVER, WEB = 10, 30


@pytest.fixture
def home():
    home = temporary_home("crm-deploy-")
    for name in ("logs", "programs", "run"):
        (home / name).mkdir()
    yield home
    shutil.rmtree(home)


@pytest.fixture
def supervisor(home):
    supervisor = Supervisor(home, home / "run", attached=True)
    yield supervisor
    programs = [Process.of(status.pid) for status in supervisor.statuses().values() if status.pid]
    supervisor.process().stop(patience=0)  # Its programs die with it, who are in no hurry otherwise.
    # Until then they may write into a folder that is to be deleted.
    assert all(program is None or program.gone_within(10) for program in programs)


@pytest.fixture
def notes(home):
    """What the programs have noted, in its order, once there are so many notes."""

    def read(count):
        path = home / "notes"
        wait_until(lambda: path.exists() and path.read_text().count("\n") >= count)
        return [tuple(line.split()[1:]) for line in sorted(path.read_text().splitlines())]

    return read


def test_programs_that_have_changed_end_together_and_before_what_they_need(home, supervisor, notes):
    priorities = {"database": SERVER, "one": WEB, "two": WEB, "three": WEB}
    for name in priorities:
        command = [sys.executable, "-I", "-c", PROGRAM, str(home / "notes"), name]
        LaunchPlan(command=command).write(home, name)
    for fingerprint in ("before", "after"):
        supervisor.apply([Supervised(name, fingerprint, priority) for name, priority in priorities.items()])
        for name in priorities:
            supervisor.start(name)
        if fingerprint == "before":
            notes(len(priorities))
    noted = [note for note in notes(4 * len(priorities)) if note[1] in ("told", "ended")]
    webs = sorted(name for name, priority in priorities.items() if priority == WEB)
    assert sorted(noted[:3]) == [(name, "told") for name in webs]
    assert sorted(noted[3:6]) == [(name, "ended") for name in webs]
    assert noted[6:] == [("database", "told"), ("database", "ended")]
