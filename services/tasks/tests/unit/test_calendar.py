"""A calendar as RFC 5545 wants it: read back by a library, and held to the rules on lines, text and times."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar

from tasks.rules.calendar import LONGEST_DESCRIPTION, Entry, calendar, escape, fold

NOW = datetime(2026, 3, 29, 7, 30, tzinfo=UTC)
TITLE = "Angebot für Ada; Teil 1, \\ mehr\nund noch etwas"


def entry(**values):
    given = {
        "id": 9,
        "version": 3,
        "title": "Call Ada",
        "description": None,
        "priority": "medium",
        "status": "pending",
        "due_date": NOW,
        "due_on": None,
        "completed_at": None,
        "updated_at": NOW - timedelta(days=1),
    }
    return Entry(**(given | values))


def made(*entries, todos=False):
    return calendar(entries, company_id=42, app_url="https://crm.example/app/", host="crm.example", todos=todos)


def only(document, kind="VEVENT"):
    (component,) = Calendar.from_ical(document).walk(kind)
    return component


def assert_well_formed(document):
    """The rules of RFC 5545 that hold for every line and every component, without any library."""
    assert document.endswith(b"\r\n")
    lines = document.split(b"\r\n")[:-1]
    assert all(0 < len(line) <= 75 for line in lines)
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    for line in lines:
        line.decode()  # No character is cut.
    unfolded = document.replace(b"\r\n ", b"").decode().split("\r\n")[:-1]
    assert all(
        re.match(r"[A-Z-]+(;[A-Z-]+=[^:;,\"\x00-\x1f]+)*:[^\x00-\x08\x0a-\x1f\x7f]*\Z", line) for line in unfolded
    )
    assert (unfolded[0], unfolded[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    assert {"VERSION:2.0", "CALSCALE:GREGORIAN"} <= set(unfolded)
    assert sum(line.startswith("PRODID:") for line in unfolded) == 1
    depth, names = [], []
    for line in unfolded:
        name, _, value = line.partition(":")
        if name == "BEGIN":
            depth.append(value)
            names.append(set())
        elif name == "END":
            assert depth.pop() == value
            here = names.pop()
            if value == "VEVENT":
                assert {"UID", "DTSTAMP", "DTSTART"} <= here
                assert len(here & {"DTEND", "DURATION"}) == 1
            if value == "VTODO":
                assert {"UID", "DTSTAMP", "DUE"} <= here
                assert ("COMPLETED" in here) <= ("STATUS" in here)
        else:
            bare = name.split(";")[0]
            assert bare not in names[-1], f"{bare} twice"
            names[-1].add(bare)
    assert depth == []
    assert Calendar.from_ical(document).errors == []
    # A second reader, written by others, that refuses values which RFC 5545 does not allow.
    read = IcsCalendarStream.calendar_from_ics(document.decode())
    assert len(read.events) + len(read.todos) == unfolded.count("BEGIN:VEVENT") + unfolded.count("BEGIN:VTODO")


def test_a_timed_task_is_half_an_hour_from_its_due_time():
    document = made(entry(priority="high", description="About the offer"))
    assert_well_formed(document)
    event = only(document)
    assert event["UID"] == "task-42-9@crm.example"
    assert (event["SEQUENCE"], event["PRIORITY"], event["TRANSP"]) == (2, 3, "TRANSPARENT")
    assert (event["DTSTART"].dt, event["DURATION"].dt) == (NOW, timedelta(minutes=30))
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == NOW - timedelta(days=1)
    assert (event["SUMMARY"], event["DESCRIPTION"]) == ("Call Ada", "About the offer")
    assert event["URL"] == "https://crm.example/app/tasks/9"
    assert "RRULE" not in event


def test_an_all_day_task_is_its_day_and_ends_before_the_next():
    document = made(entry(due_on=date(2026, 2, 28)))
    assert_well_formed(document)
    assert b"\r\nDTSTART;VALUE=DATE:20260228\r\nDTEND;VALUE=DATE:20260301\r\n" in document
    event = only(document)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2026, 2, 28), date(2026, 3, 1))


@pytest.mark.parametrize(
    ("status", "completed_at", "shown"),
    [
        ("pending", None, "NEEDS-ACTION"),
        ("in_progress", None, "IN-PROCESS"),
        ("completed", NOW, "COMPLETED"),
        ("cancelled", None, "CANCELLED"),
    ],
)
def test_what_is_to_be_done_has_a_state(status, completed_at, shown):
    document = made(entry(status=status, completed_at=completed_at), todos=True)
    assert_well_formed(document)
    todo = only(document, "VTODO")
    assert (todo["STATUS"], todo["DUE"].dt) == (shown, NOW)
    assert ("COMPLETED" in todo) == (completed_at is not None)
    assert todo["SUMMARY"].startswith("✓ ") == (completed_at is not None)


@pytest.mark.parametrize(("priority", "shown"), [("urgent", 1), ("high", 3), ("medium", 5), ("low", 9)])
def test_priorities(priority, shown):
    assert only(made(entry(priority=priority)))["PRIORITY"] == shown


def test_text_comes_back_as_it_went_in():
    event = only(made(entry(title=TITLE)))
    assert event["SUMMARY"] == TITLE
    assert escape("a\r\nb\rc\nd") == "a\\nb\\nc\\nd"
    assert escape("C:\\New\x00\x07") == "C:\\\\New"
    assert b"BEGIN:VALARM\r\n" not in made(entry(title="x\r\nBEGIN:VALARM\r\n"))


def test_a_long_description_is_cut():
    shown = only(made(entry(description="x" * 20_000)))["DESCRIPTION"]
    assert shown == "x" * LONGEST_DESCRIPTION + "…"


def test_an_empty_calendar_is_one():
    assert_well_formed(made())
    assert Calendar.from_ical(made()).walk("VEVENT") == []


@given(st.text(max_size=300))
def test_whatever_a_title_is_the_calendar_holds(title):
    document = made(entry(title=title, description=title))
    assert_well_formed(document)
    kept = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "", title).replace("\r\n", "\n").replace("\r", "\n")
    (line,) = [x for x in document.replace(b"\r\n ", b"").decode().split("\r\n") if x.startswith("SUMMARY:")]
    shown = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], line.removeprefix("SUMMARY:"))
    assert shown == kept


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=400))
def test_a_folded_line_unfolds_to_itself(text):
    folded = fold(text)
    assert all(len(line) <= 75 for line in folded.split(b"\r\n"))
    assert folded.replace(b"\r\n ", b"") == text.encode() + b"\r\n"
