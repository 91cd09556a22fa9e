"""Python programs for tests, each a process of its own, forked from one that has loaded the services already.

An interpreter that loads a service takes more than a second of a core; such a fork takes some milliseconds. What is
killed, or dies, is a process all the same.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import reduction
from multiprocessing.process import BaseProcess
from typing import IO, Any

import pytest

from chassis.testing.batteries import services

_FORKED = multiprocessing.get_context("forkserver")
_LOADED = (__name__, "chassis.broker.worker", "chassis.broker.topology", "chassis.web.server")


class Program:
    """A running program; what it offers works as with subprocess.Popen."""

    def __init__(self, process: BaseProcess, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        assert process.pid is not None
        self._process = process
        self.pid = process.pid
        self.stdin = stdin
        self.stdout = stdout

    @property
    def returncode(self) -> int | None:
        """The exit code, or minus the signal that has ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("python", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal while it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a crash of the machine would."""
        self.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """Kill it if it still runs, and let go of its pipes."""
        self.kill()
        self.wait()
        self.stdin.close()
        self.stdout.close()


class Programs:
    """Starts programs; `arguments` are those of the interpreter, which knows `-c` and `-m` here."""

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None, silent: bool = False) -> Program:
        """Start one with pipes for its input and output, in this process's environment or another.

        What is `silent` prints into nothing: a pipe that nobody reads from would stop it.
        """
        with _pipe() as (read, given), _pipe() as (printed, write), open(os.devnull, "wb") as nothing:  # noqa: PTH123  # No path of ours.
            process = _start(arguments, environment, (read, nothing.fileno() if silent else write, None))
            return Program(process, os.fdopen(os.dup(given), "wb"), os.fdopen(os.dup(printed), "rb"))

    def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run one to its end and answer what it has printed."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull, "rb") as nothing:  # noqa: PTH123  # No path of ours.
            process = _start(arguments, environment, (nothing.fileno(), out.fileno(), err.fileno()))
            process.join(timeout)
            if process.exitcode is None:
                process.kill()
                raise subprocess.TimeoutExpired(list(arguments), timeout)
            for file in (out, err):
                file.seek(0)
            return subprocess.CompletedProcess(
                list(arguments), process.exitcode, out.read().decode(), err.read().decode()
            )


@pytest.fixture(scope="session")
def programs(pytestconfig: pytest.Config) -> Programs:
    """Starts Python programs that use the services or the chassis."""
    _FORKED.set_forkserver_preload([*_LOADED, *(f"{name}.app" for name in services(pytestconfig.rootpath))])
    return Programs()


class _Handed:
    """A file descriptor on its way to the process."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _taken, (reduction.DupFd(self._number),)


def _taken(handed: Any) -> int:
    return int(handed.detach())


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def _start(arguments: Sequence[str], environment: Mapping[str, str] | None, files: Sequence[int | None]) -> BaseProcess:
    handed = [None if number is None else _Handed(number) for number in files]
    given = dict(os.environ if environment is None else environment)
    process = _FORKED.Process(target=_become, args=(list(arguments), given, handed), daemon=True)
    process.start()
    return process


def _become(arguments: list[str], environment: dict[str, str], files: Sequence[int | None]) -> None:
    """Be the program; runs in the process that was forked for it."""
    for number, given in enumerate(files):
        if given is not None:
            os.dup2(given, number)
            os.close(given)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  # For as long as the process lives.
    os.environ.clear()
    os.environ.update(environment)
    how, what, *rest = arguments
    sys.argv = [how, *rest]
    if how == "-m":
        # It may have been loaded with a service; to run it is to execute it once more.
        sys.modules.pop(what, None)
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102  # A program of the test's own.
