"""How far something long is: a bar on a terminal, a line now and then elsewhere."""

import shutil
import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from crm import screen

_LABEL, _SHORTEST_BAR, _LONGEST_BAR = 9, 6, 24
_LINE_EVERY = 5.0
_DRAW_EVERY = 0.1
_SETTLED = 0.5


@dataclass(frozen=True)
class Unit:
    """What is counted, and how its numbers are written."""

    name: str
    size: float = 1.0
    digits: int = 0

    def write(self, count: float) -> str:
        return f"{count / self.size:,.{self.digits}f}"


ROWS = Unit("rows")
MEGABYTES = Unit("MB", 1e6, 1)


class Progress:
    """A context in which `show` says how far it is; the rate and the time left follow from what was shown."""

    def __init__(self, label: str, unit: Unit = ROWS) -> None:
        self._label = label
        self._unit = unit
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

    def show(self, done: int, total: int | None, waiting_for: str | None = None) -> None:
        """Say how far it is, and who has to answer first; `total` is None as long as nobody knows."""
        now = time.monotonic()
        if self._first is None or done < self._first[1]:
            self._first = now, done
        if now - self._shown_at < (_DRAW_EVERY if self._terminal else _LINE_EVERY):
            return
        self._shown_at = now
        text = self._described(done, total, now, *self._first)
        if waiting_for:
            text = f"waiting for {waiting_for} · {text}"
        if not self._terminal:
            print(f"   {self._label}: {text}", flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        line = f" {self._label:<{_LABEL}} {text}"
        room = min(width - len(line) - 1, _LONGEST_BAR)
        if total and room >= _SHORTEST_BAR:
            line = f" {self._label:<{_LABEL}} {screen.meter(done / total, room)} {text}"
        print(f"\r\033[K{line[:width]}", end="", flush=True)

    def _described(self, done: int, total: int | None, now: float, began: float, before: int) -> str:
        if total is None:
            return f"{now - self._began:.0f} s"
        unit = self._unit
        parts = [f"{100 * done // max(total, 1)} %", f"{unit.write(done)} of {unit.write(total)} {unit.name}"]
        rate = (done - before) / (now - began) if now - began > _SETTLED else 0.0
        if rate > 0:
            parts += [f"{unit.write(rate)} {unit.name}/s", f"{screen.duration((total - done) / rate)} left"]
        return " · ".join(parts)
