"""Tasks as a calendar of RFC 5545. Pure, no I/O.

Written here and not with a library, because a feed has 2,000 entries and is made while somebody waits (ADR 0020).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

LONGEST_LINE = 75
LONGEST_DESCRIPTION = 1000
MOST_ENTRIES = 2000
PAST, AHEAD, DONE = timedelta(days=90), timedelta(days=365), timedelta(days=7)

_PRIORITIES: Final = {"urgent": 1, "high": 3, "medium": 5, "low": 9}
_STATES: Final = {
    "pending": "NEEDS-ACTION",
    "in_progress": "IN-PROCESS",
    "completed": "COMPLETED",
    "cancelled": "CANCELLED",
}
# What no TEXT may hold (3.3.11), but for the line breaks and tabs that it may; and surrogates, which no UTF-8 has.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# The first bits of an octet, and what they are inside a character of UTF-8.
_HEAD_BITS, _CONTINUES = 0b1100_0000, 0b1000_0000
_LINE_BREAK = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """A task, as far as a calendar shows it."""

    id: int
    version: int
    title: str
    description: str | None
    priority: str
    status: str
    due_date: datetime
    due_on: date | None
    completed_at: datetime | None
    updated_at: datetime


def calendar(entries: Iterable[Entry], *, company_id: int, app_url: str, host: str, todos: bool) -> bytes:
    """The calendar of these tasks: as events, or as what is to be done."""
    kind, shown = ("VTODO", _todo) if todos else ("VEVENT", _event)
    base = app_url.rstrip("/")
    parts = [_HEAD]
    for entry in entries:
        parts += (
            _plain(f"BEGIN:{kind}"),
            fold(f"UID:task-{company_id}-{entry.id}@{host}"),
            *_common(entry, base),
            _plain(*shown(entry), f"END:{kind}"),
        )
    parts.append(_plain("END:VCALENDAR"))
    return b"".join(parts)


def _plain(*lines: str) -> bytes:
    """Content lines that are never long, with their ends."""
    return ("\r\n".join(lines) + "\r\n").encode()


def _common(entry: Entry, base: str) -> Iterator[bytes]:
    changed = _utc(entry.updated_at)
    done = "✓ " if entry.completed_at is not None else ""
    yield _plain(f"SEQUENCE:{entry.version - 1}", f"DTSTAMP:{changed}", f"LAST-MODIFIED:{changed}")
    yield fold(f"SUMMARY:{escape(done + entry.title)}")
    if entry.description:
        text = entry.description
        yield fold(
            f"DESCRIPTION:{escape(text if len(text) <= LONGEST_DESCRIPTION else text[:LONGEST_DESCRIPTION] + '…')}"
        )
    yield fold(f"URL:{base}/tasks/{entry.id}")
    yield _plain(f"PRIORITY:{_PRIORITIES[entry.priority]}")


def _event(entry: Entry) -> Iterator[str]:
    if entry.due_on is not None:
        yield f"DTSTART;VALUE=DATE:{_day(entry.due_on)}"
        yield f"DTEND;VALUE=DATE:{_day(entry.due_on + timedelta(days=1))}"
    else:
        yield f"DTSTART:{_utc(entry.due_date)}"
        yield "DURATION:PT30M"
    # It is work to be done by then, and no time that is taken.
    yield "TRANSP:TRANSPARENT"


def _todo(entry: Entry) -> Iterator[str]:
    yield f"DUE:{_utc(entry.due_date)}" if entry.due_on is None else f"DUE;VALUE=DATE:{_day(entry.due_on)}"
    yield f"STATUS:{_STATES[entry.status]}"
    if entry.completed_at is not None:
        yield f"COMPLETED:{_utc(entry.completed_at)}"


def escape(text: str) -> str:
    """A text as a value (3.3.11), without what no value may hold."""
    plain = text.isprintable()
    text = (text if plain else _CONTROL.sub("", text)).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return text if plain else _LINE_BREAK.sub(r"\\n", text)


def fold(line: str) -> bytes:
    """A content line with its end, no more than 75 octets to a line and broken between characters (3.1)."""
    data = line.encode()
    if len(data) <= LONGEST_LINE:
        return data + b"\r\n"
    parts, start, room = [], 0, LONGEST_LINE
    while len(data) - start > room:
        end = start + room
        while data[end] & _HEAD_BITS == _CONTINUES:  # Inside a character.
            end -= 1
        parts.append(data[start:end])
        start, room = end, LONGEST_LINE - 1  # The space that goes on counts.
    parts.append(data[start:])
    return b"\r\n ".join(parts) + b"\r\n"


def _utc(instant: datetime) -> str:
    text = instant.astimezone(UTC).isoformat(timespec="seconds")
    return f"{_digits(text)[:15]}Z"


def _day(day: date) -> str:
    return _digits(day.isoformat())


def _digits(text: str) -> str:
    """A text of ISO 8601 in its basic form; several times as fast as to format it."""
    return text.replace("-", "").replace(":", "")


_HEAD = _plain(
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//CRM//Tasks//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    "X-WR-CALNAME:Tasks",
    "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
)
