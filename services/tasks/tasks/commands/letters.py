"""Letters about tasks: posted when there is something to tell, and made when they leave."""

from dataclasses import replace
from datetime import UTC, datetime

from chassis.db.session import Session
from chassis.events import new_id
from chassis.mail import Letter, is_address
from tasks.models import MAILS
from tasks.queries import letters as queries
from tasks.rules import digests
from tasks.rules.due import OVERDUE, TODAY, bounds_at
from tasks.rules.letters import Section, digest_letter, reminder_letter
from tasks.rules.zones import zone_of

# Shown to nobody: the letter gets its own when it leaves.
_UNWRITTEN = "Your tasks"


def post_reminder(session: Session, *, reminder_id: int, user_id: int, fired_for: datetime) -> bool:
    """Have a letter sent about a reminder that fires in this transaction; whether the user wants one."""
    address = queries.find_reminded_address(session, user_id)
    if address is None or not is_address(address):
        return False
    MAILS.post(
        session,
        recipient=address,
        subject=_UNWRITTEN,
        body=new_id(),
        user_id=user_id,
        reminder_id=reminder_id,
        fired_for=fired_for,
        digest_id=None,
    )
    return True


def post_digest(session: Session, *, digest_id: int, user_id: int) -> bool:
    """Have a digest sent that was begun in this transaction; whether there is an address."""
    address = queries.find_address(session, user_id)
    if address is None or not is_address(address):
        return False
    MAILS.post(
        session,
        recipient=address,
        subject=_UNWRITTEN,
        body=new_id(),
        user_id=user_id,
        reminder_id=None,
        fired_for=None,
        digest_id=digest_id,
    )
    return True


def make_letter(session: Session, letter: Letter, app_url: str) -> Letter | None:
    """The letter as it leaves now; None for one that has nothing to say any more."""
    session.begin()
    now = datetime.now(UTC)
    written = (
        _digest(session, letter, now)
        if queries.is_digest(session, letter.id)
        else _reminder(session, letter, now, app_url)
    )
    if written is None:
        return None
    subject, body = written
    return replace(letter, subject=subject, body=body, seed=letter.body)


def _reminder(session: Session, letter: Letter, now: datetime, app_url: str) -> tuple[str, str] | None:
    found = queries.find_reminder(session, letter.id, now)
    if found is None:
        return None
    link = f"{app_url.rstrip('/')}/tasks/{found.task_id}"
    return reminder_letter(found.to.name, found.task, zone_of(found.to.time_zone), link)


def _digest(session: Session, letter: Letter, now: datetime) -> tuple[str, str] | None:
    found = queries.find_digest(session, letter.id)
    if found is None or digests.too_late(found.due_at, now):
        return None
    zone = zone_of(found.to.time_zone)
    bounds = bounds_at(now, zone)
    since = queries.missed_since(found.due_at)
    sections = [
        Section("Overdue", *queries.list_due(session, found.user_id, OVERDUE, bounds)),
        Section("Today", *queries.list_due(session, found.user_id, TODAY, bounds)),
        Section("Missed reminders", *queries.list_missed(session, found.user_id, since)),
    ]
    if not any(section.count for section in sections):
        return None
    return digest_letter(found.to.name, found.local_date, sections, zone)
