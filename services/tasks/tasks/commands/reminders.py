"""Keeping a task's reminders in step with it: computed anew whenever what they go by has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    String,
    and_,
    any_,
    bindparam,
    column,
    delete,
    func,
    insert,
    null,
    select,
    update,
)

from chassis.db.bulk import json_rows
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from tasks.models import reminders, user_settings
from tasks.queries.people import Person
from tasks.rules.due import Due
from tasks.rules.reminders import (
    DAY_STARTS_AT,
    FIRED,
    SKIPPED,
    WAITING,
    fire_at_all_day,
    fire_at_timed,
    state_when_computed,
)
from tasks.rules.zones import zone_of

OWN_TIME, DEFAULT, FURTHER, OVERDUE = "remind_at", "default", "further", "overdue"
SPEC = ("minutes_before", "days_before", "at_time")

_OF_TASK = and_(of_tenant(reminders), reminders.c.task_id == bindparam("of_task", type_=BigInteger))
_NEW = (column("kind", String), *(column(name, reminders.c[name].type) for name in (*SPEC, "fire_at", "state")))
_new = json_rows("v", *_NEW)
_INSERT = Prepared(
    insert(reminders).from_select(
        ["company_id", "task_id", *(str(part.name) for part in _NEW)],
        select(TENANT, bindparam("of_task", type_=BigInteger), *(_new.c[part.name] for part in _NEW)),
    )
)
_LOAD = Prepared(
    select(
        reminders.c.id,
        reminders.c.kind,
        *(reminders.c[name] for name in SPEC),
        reminders.c.fired_for,
        user_settings.c.day_starts_at,
    )
    .select_from(
        reminders.outerjoin(
            user_settings, and_(of_tenant(user_settings), user_settings.c.user_id == reminders.c.user_id)
        )
    )
    .where(_OF_TASK)
    .order_by(reminders.c.id)
    .with_for_update(of=reminders)
)
_computed = json_rows(
    "v", column("id", BigInteger), column("fire_at", DateTime(timezone=True)), column("state", String)
)
_COMPUTED = Prepared(
    update(reminders)
    .values(
        fire_at=_computed.c.fire_at,
        state=_computed.c.state,
        attempts=0,
        next_attempt_at=null(),
        updated_at=func.now(),
    )
    .where(_OF_TASK, reminders.c.id == _computed.c.id)
)
_DELETE = Prepared(
    delete(reminders).where(_OF_TASK, reminders.c.id == any_(bindparam("of_ids", type_=ARRAY(BigInteger))))
)
_SILENCE = Prepared(
    update(reminders).values(state=SKIPPED, updated_at=func.now()).where(_OF_TASK, reminders.c.state == WAITING)
)
_WAKE = Prepared(
    update(reminders)
    .values(state=WAITING, attempts=0, next_attempt_at=null(), updated_at=func.now())
    .where(
        _OF_TASK,
        reminders.c.state == SKIPPED,
        reminders.c.fire_at > bindparam("now", type_=DateTime(timezone=True)),
        reminders.c.fire_at.is_distinct_from(reminders.c.fired_for),
    )
)


@dataclass(frozen=True, slots=True)
class Timing:
    """What the reminders of a task go by."""

    task_id: int
    due: Due
    remind_at: datetime | None
    is_open: bool = True


def plan_reminders(session: Session, task: Timing, person: Person, now: datetime) -> None:
    """The reminders of a new task to whoever is its assignee: at the time set, as they want it, and when overdue."""
    _insert(session, task, _wanted(task, person), person, now)


def move_reminders(session: Session, task: Timing, person: Person, now: datetime) -> None:
    """Compute a task's reminders anew, because its due date or the time set has changed.

    What the assignee wants now takes the place of what was wanted when the due date was set.
    """
    wanted = _wanted(task, person)
    computed: list[dict[str, Any]] = []
    gone: list[int] = []
    for reminder_id, kind, *parts, fired_for, day_starts_at in session.fetch(_LOAD, of_task=task.task_id):
        spec = dict(zip(SPEC, parts, strict=True))
        starts = person.day_starts_at
        if kind == FURTHER:
            starts = day_starts_at or DAY_STARTS_AT
        elif (kind, spec) in wanted:
            wanted.remove((kind, spec))
        elif fired_for is None:
            gone.append(reminder_id)
            continue
        else:
            # What was served stays known, should it be wanted again: for the next assignee it is not.
            computed.append({"id": reminder_id, "fire_at": None, "state": SKIPPED})
            continue
        fire_at = _fire_at(kind, spec, task, starts)
        computed.append({"id": reminder_id, "fire_at": fire_at, "state": _state(fire_at, task, now, fired_for)})
    if computed:
        session.run(_COMPUTED, of_task=task.task_id, rows=orjson.dumps(computed).decode())
    if gone:
        session.run(_DELETE, of_task=task.task_id, of_ids=gone)
    _insert(session, task, wanted, person, now)


def _insert(
    session: Session, task: Timing, wanted: list[tuple[str, dict[str, Any]]], person: Person, now: datetime
) -> None:
    rows = []
    for kind, spec in wanted:
        fire_at = _fire_at(kind, spec, task, person.day_starts_at)
        rows.append({"kind": kind, **spec, "fire_at": fire_at, "state": _state(fire_at, task, now)})
    if rows:
        session.run(_INSERT, of_task=task.task_id, rows=orjson.dumps(rows).decode())


def silence_reminders(session: Session, task_id: int) -> None:
    """Let what waits be skipped: the task is done, cancelled or hidden."""
    session.run(_SILENCE, of_task=task_id)


def wake_reminders(session: Session, task_id: int, now: datetime) -> None:
    """Let those wait again whose time is still ahead; past ones stay skipped."""
    session.run(_WAKE, of_task=task_id, now=now)


def _wanted(task: Timing, person: Person) -> list[tuple[str, dict[str, Any]]]:
    """The kinds and places of the reminders that a task has by itself."""
    nothing: dict[str, Any] = dict.fromkeys(SPEC)
    wanted = [] if task.remind_at is None else [(OWN_TIME, nothing)]
    if task.due.due_date is not None:
        wanted.append((OVERDUE, nothing))
        wanted += [(DEFAULT, spec_of(given)) for given in person.default_reminders]
    return wanted


def spec_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """How long before a task somebody wants to be reminded, as columns of a reminder."""
    at_time = given.get("at_time")
    return {
        "minutes_before": given.get("minutes_before"),
        "days_before": given.get("days_before"),
        "at_time": time.fromisoformat(at_time) if isinstance(at_time, str) else at_time,
    }


def _fire_at(kind: str, spec: Mapping[str, Any], task: Timing, day_starts_at: time) -> datetime | None:
    due = task.due
    if kind == OWN_TIME:
        return task.remind_at
    if due.due_date is None or due.due_time_zone is None:
        return None
    if kind == OVERDUE:
        return due.due_date
    zone = zone_of(due.due_time_zone)
    before = {
        "days_before": spec["days_before"] or 0,
        "minutes_before": spec["minutes_before"] or 0,
        "at_time": spec["at_time"],
    }
    if due.due_on is not None:
        return fire_at_all_day(due.due_on, zone, day_starts_at=day_starts_at, **before)
    return fire_at_timed(due.due_date, zone, **before)


def _state(fire_at: datetime | None, task: Timing, now: datetime, fired_for: datetime | None = None) -> str:
    if not task.is_open:
        return FIRED if fire_at is not None and fire_at == fired_for else SKIPPED
    return state_when_computed(fire_at, now=now, due_date=task.due.due_date, fired_for=fired_for)


def further_reminder(spec: Mapping[str, Any], task: Timing, person: Person, now: datetime) -> dict[str, Any]:
    """When a reminder fires that somebody sets for themselves, and what becomes of it."""
    fire_at = _fire_at(FURTHER, spec, task, person.day_starts_at)
    return {"fire_at": fire_at, "state": _state(fire_at, task, now)}
