"""What a letter is about, as it is at the moment when the letter leaves."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, DateTime, Interval, and_, bindparam, func, literal, or_, select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks.models import (
    company_refs,
    customer_refs,
    deal_refs,
    digests,
    lead_refs,
    mails,
    reminders,
    tasks,
    user_refs,
    user_settings,
)
from tasks.queries.buckets import OPEN, bounds_of, bucket
from tasks.rules.digests import MOST_LISTED
from tasks.rules.due import OVERDUE, TODAY, Bounds
from tasks.rules.letters import Listed
from tasks.rules.reminders import FIRED, LATEST, SKIPPED

_USER = bindparam("of_user", type_=BigInteger)
_MAIL = bindparam("of_mail", type_=BigInteger)
_NOW = bindparam("now", type_=DateTime(timezone=True))
_zone = func.coalesce(user_settings.c.time_zone, company_refs.c.time_zone, literal("UTC"))
_ACTIVE = and_(user_refs.c.is_active, func.coalesce(company_refs.c.status, "active") == "active")
_LISTED = (tasks.c.title, tasks.c.due_date, tasks.c.due_on)


class _To(NamedTuple):
    """Whom a letter is to, and in which zone they read it."""

    name: str
    time_zone: str


class ReminderLetter(NamedTuple):
    """A reminder that still stands."""

    to: _To
    task_id: int
    task: Listed


class DigestLetter(NamedTuple):
    """A digest that is still wanted."""

    to: _To
    user_id: int
    local_date: date
    due_at: datetime


def _archived(table: Any, key: str) -> ColumnElement[bool]:
    """That a task belongs to a record of this kind that is archived."""
    found = select(1).where(of_tenant(table), table.c[key] == tasks.c[key], table.c.archived_at.is_not(None))
    return found.correlate(tasks).exists()


def _people(source: Any) -> Any:
    """Rows joined with their user, with how that user wants things, and with the company."""
    return (
        source.join(user_refs, and_(of_tenant(user_refs), user_refs.c.user_id == mails.c.user_id))
        .join(user_settings, and_(of_tenant(user_settings), user_settings.c.user_id == mails.c.user_id))
        .outerjoin(company_refs, of_tenant(company_refs))
    )


_ADDRESS = Prepared(
    select(user_refs.c.email)
    .select_from(
        user_refs.join(user_settings, and_(of_tenant(user_settings), user_settings.c.user_id == user_refs.c.user_id))
    )
    .where(of_tenant(user_refs), user_refs.c.user_id == _USER, user_refs.c.is_active)
)
_WANTS_REMINDERS = Prepared(
    select(user_refs.c.email)
    .select_from(
        user_refs.join(user_settings, and_(of_tenant(user_settings), user_settings.c.user_id == user_refs.c.user_id))
    )
    .where(of_tenant(user_refs), user_refs.c.user_id == _USER, user_refs.c.is_active, user_settings.c.email_reminders)
)
_ABOUT = Prepared(select(mails.c.reminder_id, mails.c.digest_id).where(of_tenant(mails), mails.c.id == _MAIL))
# As when it fired: the task is there to be done, and whoever is told may know of it and wishes to.
_STANDS = Prepared(
    select(user_refs.c.name, _zone, tasks.c.id, *_LISTED)
    .select_from(
        _people(
            mails.join(
                reminders,
                and_(
                    of_tenant(reminders),
                    reminders.c.id == mails.c.reminder_id,
                    reminders.c.state == FIRED,
                    reminders.c.fired_for == mails.c.fired_for,
                ),
            ).join(tasks, and_(of_tenant(tasks), tasks.c.id == reminders.c.task_id))
        )
    )
    .where(
        of_tenant(mails),
        mails.c.id == _MAIL,
        reminders.c.updated_at > _NOW - bindparam("latest", LATEST, Interval()),
        _ACTIVE,
        user_settings.c.email_reminders,
        OPEN,
        tasks.c.archived_at.is_(None),
        func.coalesce(reminders.c.user_id, tasks.c.assigned_to) == mails.c.user_id,
        or_(
            mails.c.user_id == tasks.c.assigned_to,
            mails.c.user_id == tasks.c.created_by,
            func.coalesce(func.jsonb_extract_path_text(company_refs.c.settings, "visibility"), "all") != "own",
        ),
        ~_archived(customer_refs, "customer_id"),
        ~_archived(lead_refs, "lead_id"),
        ~_archived(deal_refs, "deal_id"),
    )
)
_DIGEST = Prepared(
    select(user_refs.c.name, _zone, mails.c.user_id, digests.c.local_date, digests.c.due_at)
    .select_from(_people(mails.join(digests, and_(of_tenant(digests), digests.c.id == mails.c.digest_id))))
    .where(of_tenant(mails), mails.c.id == _MAIL, _ACTIVE, user_settings.c.digest)
)
_OWN = (of_tenant(tasks), tasks.c.assigned_to == _USER, OPEN, tasks.c.archived_at.is_(None))
_IN_BUCKET = {
    name: Prepared(
        select(*_LISTED, func.count().over())
        .where(*_OWN, bucket(name))
        .order_by(tasks.c.due_date, tasks.c.id)
        .limit(MOST_LISTED)
    )
    for name in (OVERDUE, TODAY)
}
# Those that nobody was told of because everything was down for more than a day: skipped only then.
_TOO_LATE = Prepared(
    select(*_LISTED, func.count().over())
    .where(
        *_OWN,
        select(1)
        .where(
            of_tenant(reminders),
            reminders.c.task_id == tasks.c.id,
            reminders.c.state == SKIPPED,
            func.coalesce(reminders.c.user_id, tasks.c.assigned_to) == _USER,
            reminders.c.updated_at > bindparam("since", type_=DateTime(timezone=True)),
            reminders.c.updated_at > reminders.c.fire_at + bindparam("latest", LATEST, Interval()),
            reminders.c.created_at < reminders.c.fire_at,
        )
        .correlate(tasks)
        .exists(),
    )
    .order_by(tasks.c.due_date, tasks.c.id)
    .limit(MOST_LISTED)
)


def find_address(session: Session, user_id: int) -> str | None:
    """Where an active user who has settings gets letters; None for nobody."""
    row = session.fetch_one(_ADDRESS, of_user=user_id)
    return None if row is None else row[0]


def find_reminded_address(session: Session, user_id: int) -> str | None:
    """Where an active user gets their reminders by letter; None for who wants none."""
    row = session.fetch_one(_WANTS_REMINDERS, of_user=user_id)
    return None if row is None else row[0]


def find_reminder(session: Session, mail_id: int, now: datetime) -> ReminderLetter | None:
    """What a letter of a reminder is about; None where the reminder does not stand any more."""
    row = session.fetch_one(_STANDS, of_mail=mail_id, now=now)
    return None if row is None else ReminderLetter(_To(row[0] or "", row[1]), row[2], Listed(*row[3:]))


def find_digest(session: Session, mail_id: int) -> DigestLetter | None:
    """The digest that a letter is; None where it is not wanted any more."""
    row = session.fetch_one(_DIGEST, of_mail=mail_id)
    return None if row is None else DigestLetter(_To(row[0] or "", row[1]), *row[2:])


def is_digest(session: Session, mail_id: int) -> bool:
    """Whether a letter is a digest, and not of a reminder."""
    row = session.fetch_one(_ABOUT, of_mail=mail_id)
    return row is not None and row[1] is not None


def list_due(session: Session, user_id: int, name: str, bounds: Bounds) -> tuple[list[Listed], int]:
    """The first of somebody's open tasks in a bucket, and how many there are."""
    return _listed(session.fetch(_IN_BUCKET[name], of_user=user_id, **bounds_of(name, bounds)))


def list_missed(session: Session, user_id: int, since: datetime) -> tuple[list[Listed], int]:
    """The first of the open tasks whose reminders came too late to be served, since then, and how many there are."""
    return _listed(session.fetch(_TOO_LATE, of_user=user_id, since=since))


def missed_since(due_at: datetime) -> datetime:
    """Since when a digest tells of missed reminders: a day, which is when the last one was."""
    return due_at - timedelta(days=1)


def _listed(rows: list[tuple[Any, ...]]) -> tuple[list[Listed], int]:
    return [Listed(*row[:3]) for row in rows], rows[0][3] if rows else 0
