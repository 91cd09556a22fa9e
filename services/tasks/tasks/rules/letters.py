"""What the letters about tasks say: plain text, in which titles and names are text like any other. Pure, no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from chassis.mail import one_line
from tasks.rules.zones import local_time

_REMINDER = """\
Hello {name},

this is about your task:

{title}
{due}

{link}

You get this letter because you wish to be reminded by e-mail; your notification settings say so.
"""
_DIGEST = """\
Hello {name},

this is your {day}.

{sections}
You get this letter because your notification settings ask for a digest.
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A task as a letter names it."""

    title: str
    due_date: datetime | None
    due_on: date | None


@dataclass(frozen=True, slots=True)
class Section:
    """Tasks under one heading: the first of them, and how many they are in all."""

    heading: str
    tasks: Sequence[Listed]
    count: int


def reminder_letter(name: str, task: Listed, zone: ZoneInfo, link: str) -> tuple[str, str]:
    """Subject and text of a reminder."""
    title = one_line(task.title)
    when = due_text(task, zone)
    body = _REMINDER.format(name=one_line(name), title=title, due=f"Due: {when}" if when else "No due date", link=link)
    return f"Reminder: {title}", body


def digest_letter(name: str, day: date, sections: Sequence[Section], zone: ZoneInfo) -> tuple[str, str]:
    """Subject and text of a digest."""
    parts = [_section(section, zone) for section in sections if section.count]
    counts = ", ".join(f"{section.count} {section.heading.lower()}" for section in sections if section.count)
    text = _DIGEST.format(name=one_line(name), day=_day(day), sections="\n".join(parts))
    return f"Your tasks: {counts}", text


def due_text(task: Listed, zone: ZoneInfo) -> str:
    """When a task is due, on the reader's wall clock; an all-day task is due on its day wherever they are."""
    if task.due_on is not None:
        return _day(task.due_on)
    if task.due_date is None:
        return ""
    local = local_time(task.due_date, zone)
    return f"{_day(local.date())}, {local:%H:%M} ({zone.key})"


def _section(section: Section, zone: ZoneInfo) -> str:
    lines = [f"{section.heading} ({section.count})"]
    for task in section.tasks:
        when = due_text(task, zone)
        lines.append(f"- {one_line(task.title)}" + (f" (due {when})" if when else ""))
    more = section.count - len(section.tasks)
    if more > 0:
        lines.append(f"and {more} more")
    return "\n".join(lines) + "\n"


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


# Not those of the machine's language.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
