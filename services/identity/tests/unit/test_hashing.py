"""The process that hashes: it gives way, it knows nothing, it is replaced when it dies, and it leaves with its owner."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chassis.testing.waiting import wait_until
from identity import hashing
from identity.hashing import NICENESS, Hasher, HashingError


@pytest.fixture
def hasher() -> Any:
    hasher = Hasher()
    yield hasher
    hasher.close()


@pytest.fixture
def stored(hasher: Hasher) -> Any:
    return hasher.hash(b"correct horse", 4).encode()


def pid_of(hasher: Hasher) -> int:
    assert hasher._process is not None
    return hasher._process.pid


def gone(pid: int) -> bool:
    """Whether a process is no more, or only waits for somebody to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_it_gives_way_and_its_owner_does_not(hasher: Hasher, stored: bytes) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert hasher.matches(b"correct horse", stored)
    assert os.getpriority(os.PRIO_PROCESS, pid_of(hasher)) == min(19, before + NICENESS)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_it_is_told_no_secret_but_the_one_at_hand(
    hasher: Hasher, stored: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Path(f"/proc/{pid_of(hasher)}")
    assert (process / "environ").read_bytes() == b""
    assert b"correct horse" not in (process / "cmdline").read_bytes()
    # Nothing of its owner's is open in it but the pipes, and what the owner itself got from outside for its errors.
    assert {path.name for path in (process / "fd").iterdir()} == {"0", "1", "2"}


def test_it_serves_many_questions_and_then_its_owner_lets_it_go(hasher: Hasher, stored: bytes) -> None:
    pid = pid_of(hasher)
    assert [hasher.matches(secret, stored) for secret in (b"correct horse", b"", b"wrong")] == [True, False, False]
    assert pid_of(hasher) == pid
    hasher.close()
    assert gone(pid)
    assert hasher.matches(b"correct horse", stored)


def test_one_that_was_killed_is_replaced_within_the_question(hasher: Hasher, stored: bytes) -> None:
    pid = pid_of(hasher)
    os.kill(pid, signal.SIGKILL)
    assert hasher.matches(b"correct horse", stored)
    assert pid_of(hasher) != pid


def test_one_that_was_stopped_is_replaced_too(hasher: Hasher, stored: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "PATIENCE_SECONDS", 0.5)
    pid = pid_of(hasher)
    os.kill(pid, signal.SIGSTOP)
    assert hasher.matches(b"correct horse", stored)
    assert gone(pid)


def test_one_that_never_answers_is_an_error(hasher: Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(HashingError):
        hasher.hash(b"correct horse", 4)


@pytest.mark.parametrize("stored", [b"no-hash", b"$2b$04$short", b"$2b$99$CwTycUXWue0Thq9StjUM0u"])
def test_what_is_no_hash_is_said_to_be_none_and_ends_nothing(hasher: Hasher, stored: bytes) -> None:
    with pytest.raises(ValueError, match="no bcrypt hash"):
        hasher.matches(b"correct horse", stored)
    pid = pid_of(hasher)
    assert hasher.hash(b"correct horse", 4).startswith("$2b$04$")
    assert pid_of(hasher) == pid


def test_a_handle_that_is_forgotten_leaves_no_process(stored: bytes) -> None:
    hasher = Hasher()
    hasher.matches(b"correct horse", stored)
    pid = pid_of(hasher)
    del hasher
    assert gone(pid)


def test_it_leaves_when_its_owner_is_killed() -> None:
    program = (
        "from identity.hashing import Hasher; h = Hasher(); h.hash(b'x', 4); print(h._process.pid, flush=True); input()"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdin is not None
    pid = int(owner.stdout.readline())
    assert not gone(pid)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    owner.stdin.close()
    wait_until(lambda: gone(pid))
