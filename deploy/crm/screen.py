"""What the command line looks like: ticks, colours only on a terminal that wants them, tables."""

import os
import sys
from collections.abc import Sequence

_LABEL_WIDTH = 14


def _colour(code: str, text: str) -> str:
    # https://no-color.org: any value that is not empty turns colours off.
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{code}m{text}\033[0m"


def bold(text: str) -> str:
    return _colour("1", text)


def red(text: str) -> str:
    return _colour("31", text)


def step(label: str, detail: str, seconds: float | None = None) -> None:
    """One finished step, with its time where that was worth noticing."""
    time = f"   {seconds:.1f} s" if seconds is not None and seconds >= 0.1 else ""  # noqa: PLR2004  # What eyes notice.
    print(f" {_colour('32', '✓')} {label:<{_LABEL_WIDTH}} {detail}{_colour('2', time)}", flush=True)


def warn(label: str, detail: str) -> None:
    """One step that did not end well."""
    print(f" {red('✗')} {label:<{_LABEL_WIDTH}} {detail}", flush=True)


def meter(part: float, width: int) -> str:
    """A bar of `width` characters, as full as `part` says."""
    full = round(max(0.0, min(part, 1.0)) * width)
    return "█" * full + "░" * (width - full)


def table(rows: Sequence[Sequence[str]]) -> None:
    """Rows of equal length as columns; the first row is the heading.

    The cells may be anybody's: what would steer the terminal, or turn the line around, is shown as a question mark.
    """
    rows = [["".join(sign if sign.isprintable() else "?" for sign in cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        print(bold(line) if number == 0 else line)


def size(octets: int) -> str:
    """An amount of memory as people say it; nothing is an unknown one."""
    return f"{octets / 2**20:,.0f} MiB" if octets else "-"


def duration(seconds: float) -> str:
    """A time span as people say it."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
