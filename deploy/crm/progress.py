"""How far something long is: a bar on a terminal, a line now and then elsewhere."""

import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from crm import screen

_BAR = 24
_LINE_EVERY = 5.0
_DRAW_EVERY = 0.1
_SETTLED = 0.5


def rows(count: float) -> str:
    return f"{count:,.0f} rows"


def megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"


class Progress:
    """A context in which `show` says how far it is; the rate and the time left follow from what was shown."""

    def __init__(self, label: str, amount: Callable[[float], str] = rows) -> None:
        self._label = label
        self._amount = amount
        self._terminal = sys.stdout.isatty()
        self._began = time.monotonic()
        self._first: tuple[float, int] | None = None
        self._shown_at = float("-inf") if self._terminal else self._began

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal:
            print("\r\033[K", end="", flush=True)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def show(self, done: int, total: int | None) -> None:
        """Say how far it is; `total` is None as long as nobody knows."""
        now = time.monotonic()
        if self._first is None or done < self._first[1]:
            self._first = now, done
        if now - self._shown_at < (_DRAW_EVERY if self._terminal else _LINE_EVERY):
            return
        self._shown_at = now
        text = self._described(done, total, now, *self._first)
        if not self._terminal:
            print(f"   {self._label}: {text}", flush=True)
            return
        bar = f"{screen.meter(done / total if total else 0.0, _BAR)} " if total else ""
        width = shutil.get_terminal_size().columns
        print(f"\r\033[K{f' {self._label:<14} {bar}{text}'[: width - 1]}", end="", flush=True)

    def _described(self, done: int, total: int | None, now: float, began: float, before: int) -> str:
        if total is None:
            return f"{now - self._began:.0f} s"
        parts = [f"{100 * done // max(total, 1)} %", f"{self._amount(done)} of {self._amount(total)}"]
        rate = (done - before) / (now - began) if now - began > _SETTLED else 0.0
        if rate > 0:
            parts += [f"{self._amount(rate)}/s", f"{screen.duration((total - done) / rate)} left"]
        return " · ".join(parts)
