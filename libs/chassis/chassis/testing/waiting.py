"""Waiting in tests: a question that is asked again until its answer is the one that is wanted."""

import linecache
import time
from collections.abc import Callable
from typing import TypeVar

_Answer = TypeVar("_Answer")


def wait_until(
    question: Callable[[], _Answer],
    seconds: float = 15.0,
    *,
    so: Callable[[_Answer], object] = bool,
    pause: float = 0.02,
    what: str = "",
) -> _Answer:
    """Ask until the answer is true, or as `so` wants it, and return that answer.

    The question is asked once at least, and what it raises itself ends the wait. When the time is over, raises an
    AssertionError that says what was waited for, `what` or else the line on which the question stands, and what the
    last answer was.
    """
    ends = time.monotonic() + seconds
    while not so(answer := question()):
        if time.monotonic() > ends:
            raise AssertionError(f"waited {seconds:g} s for {what or _line_of(question)}; last answer: {answer!r}")
        time.sleep(pause)
    return answer


def _line_of(question: Callable[[], object]) -> str:
    code = getattr(question, "__code__", None)
    line = linecache.getline(code.co_filename, code.co_firstlineno).strip() if code else ""
    return line or repr(question)
