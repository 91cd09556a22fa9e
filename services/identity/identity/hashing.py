"""A process that computes bcrypt and gives way to all others: the handle that asks it, and the program that it runs.

A thread with a low priority would not do. When it holds the interpreter's lock, or is next to get it, and has no
processor, every thread of the process waits for the one that gives way to the whole machine.
"""

import contextlib
import os
import select
import subprocess
import sys
import weakref

import bcrypt

NICENESS = 10
# A hash takes a quarter of a second at cost 12, and more where it has to give way.
PATIENCE_SECONDS = 10.0
_YES, _NO, _MALFORMED = b"1", b"0", b"!"


class HashingError(Exception):
    """The process did not answer, twice."""


class Hasher:
    """One such process, started when it is first needed and again when it has died; for one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ending: weakref.finalize[[subprocess.Popen[bytes]], Hasher] | None = None

    def hash(self, secret: bytes, cost: int) -> str:
        """The bcrypt hash of a secret. Raises HashingError."""
        return self._ask(b"%d" % cost, secret).decode()

    def matches(self, secret: bytes, stored: bytes) -> bool:
        """Whether a secret was hashed to `stored`. Raises ValueError where that is no hash, HashingError."""
        answer = self._ask(stored, secret)
        if answer == _MALFORMED:
            raise ValueError("this is no bcrypt hash")
        return answer == _YES

    def close(self) -> None:
        """End the process; the next question starts another."""
        if self._ending is not None:
            self._ending()
        self._process = self._ending = None

    def _ask(self, what: bytes, secret: bytes) -> bytes:
        for _ in range(2):
            try:
                answer = _exchange(self._process or self._start(), f"{what.hex()} {secret.hex()}\n".encode())
            except OSError:
                answer = b""
            if answer:
                return answer
            # It was killed, or stopped: whatever it was, another one is as good.
            self.close()
        raise HashingError

    def _start(self) -> subprocess.Popen[bytes]:
        """Start the program with nothing of this process but two pipes; when this one dies, it reads the end."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
            cwd="/",
            # What is sent to the web processes as a group is not meant for it: questions are still to be answered.
            start_new_session=True,
        )
        self._ending = weakref.finalize(self, _end, self._process)
        return self._process


def _exchange(process: subprocess.Popen[bytes], question: bytes) -> bytes:
    """The answer to a question, a line; empty when none came. Raises OSError."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(question)
    process.stdin.flush()
    ready = select.poll()
    ready.register(process.stdout, select.POLLIN)
    if not ready.poll(PATIENCE_SECONDS * 1000):
        return b""
    return process.stdout.readline().strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # What was not read any more is lost with it.
                pipe.close()


def _answer(question: bytes) -> bytes:
    what, password = (bytes.fromhex(part) for part in question.decode().rstrip("\n").split(" "))
    try:
        if what.isdigit():
            return bcrypt.hashpw(password, bcrypt.gensalt(int(what)))
        return _YES if bcrypt.checkpw(password, what) else _NO
    except ValueError:
        return _MALFORMED


def main() -> None:
    """Answer questions on stdin, `<cost> <secret>` or `<hash> <secret>` in hexadecimal, until it ends."""
    with contextlib.suppress(OSError):  # Where that is refused, hashes compete like everything else.
        os.nice(NICENESS)
    for question in sys.stdin.buffer:
        sys.stdout.buffer.write(_answer(question) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
