"""Series of recurring tasks: begun with their first task, followed by the next one, changed and ended."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, bindparam, update

from chassis.db.records import NOW, Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from tasks.commands.notices import notify
from tasks.commands.people import get_active
from tasks.commands.reminders import Timing, plan_reminders
from tasks.events import SERIES_CREATED, SERIES_ENDED, SERIES_UPDATED, TASK_CREATED
from tasks.models import task_series
from tasks.queries.people import Person, find_person
from tasks.queries.series import RECORDS, count_made, has_later_occurrence
from tasks.queries.tasks import RECORDS as TASKS
from tasks.rules.due import Due
from tasks.rules.recurrence import LAST, SCHEDULE, Series, next_occurrence, read_occurrence, read_series
from tasks.rules.recurrence_grammar import parse_rule
from tasks.rules.zones import local_time, zone_of

# Whoever may work on a task of a series is followed by its next one, whether or not they see the series.
_ALL = Records(RECORDS.view, source=RECORDS.source, noun=RECORDS.noun)
_TEMPLATE = ("title", "description", "task_type", "priority")
_COUNT = Prepared(
    update(task_series)
    .values(made=task_series.c.made + 1)
    .where(of_tenant(task_series), task_series.c.id == bindparam("of_series", type_=BigInteger))
)


def begin_series(session: Session, recurrence: Mapping[str, Any], task: Mapping[str, Any], due: Due) -> tuple[int, str]:
    """Begin the series of a task that is about to be created; answers its id and the task's occurrence.

    Raises Invalid for a rule that is none, and for a due date that is no occurrence of it.
    """
    anchor, zone_name = _anchor(due)
    series = read_series(
        recurrence["rrule"],
        anchor,
        zone_of(zone_name),
        all_day=due.due_on is not None,
        missing_day=recurrence.get("missing_day", LAST),
        basis=recurrence.get("basis", SCHEDULE),
    )
    remind_at = task.get("remind_at")
    before = None if remind_at is None or due.due_date is None else due.due_date - remind_at
    template = {name: task.get(name) for name in _TEMPLATE}
    template |= {"task_type": template["task_type"] or "general", "priority": template["priority"] or "medium"}
    values = {
        "rrule": recurrence["rrule"],
        "basis": series.basis,
        "missing_day": series.missing_day,
        "time_zone": zone_name,
        "anchor": anchor.isoformat(),
        "all_day": series.all_day,
        "template": template | {"remind_before": None if before is None else int(before.total_seconds())},
        "assigned_to": task["assigned_to"],
        "created_by": task["created_by"],
        **{name: task.get(name) for name in ("customer_id", "lead_id", "deal_id")},
    }
    return RECORDS.create(session, SERIES_CREATED, values).id, series.text(anchor)


def _anchor(due: Due) -> tuple[datetime, str]:
    if due.due_date is None or due.due_time_zone is None:
        detail = "A task that recurs needs a due date."
        raise Invalid("due_unfit_for_rule", detail, (FieldError("/recurrence", "due_unfit_for_rule", detail),))
    if due.due_on is not None:
        return read_occurrence(due.due_on.isoformat()), due.due_time_zone
    return local_time(due.due_date, zone_of(due.due_time_zone)).replace(microsecond=0), due.due_time_zone


def follow(session: Session, task: Mapping[str, Any], now: datetime, closed_at: datetime) -> Record | None:
    """Make the task after this one of a series, which is done, cancelled or hidden; None where there is none.

    It happens once per occurrence: the series is locked, and one that has a later task has been followed already.
    """
    if task["series_id"] is None:
        return None
    before = _ALL.get(session, task["series_id"], lock=True)
    document = before.document
    if document["ended_at"] is not None or has_later_occurrence(session, before.id, task["occurrence"]):
        return None
    series = series_of(document)
    made = count_made(session, before.id)
    present = read_occurrence(task["occurrence"])
    occurrence = next_occurrence(series, present, now=now, closed_at=closed_at, made=made)
    if occurrence is None:
        end_series(session, before)
        return None
    person = _assignee(session, document, task)
    if person is None:
        _end_without_assignee(session, before, document)
        return None
    session.run(_COUNT, of_series=before.id)
    values = _next_values(document, series, occurrence) | {"assigned_to": person.id}
    following = TASKS.create(session, TASK_CREATED, values)
    due = Due(values["due_date"], values["due_on"], values["due_time_zone"])
    plan_reminders(session, Timing(following.id, due, values["remind_at"]), person, now)
    return following


def _next_values(document: Mapping[str, Any], series: Series, occurrence: datetime) -> dict[str, Any]:
    due_date = series.due_date(occurrence)
    template = dict(document["template"])
    before = template.pop("remind_before", None)
    due = Due(due_date, occurrence.date() if series.all_day else None, document["time_zone"])
    return {
        **template,
        **due.values,
        "remind_at": None if before is None else due_date - timedelta(seconds=before),
        **{name: document[name] for name in ("customer_id", "lead_id", "deal_id", "created_by")},
        "series_id": document["id"],
        "occurrence": series.text(occurrence),
    }


def _assignee(session: Session, document: Mapping[str, Any], task: Mapping[str, Any]) -> Person | None:
    """Whom the next task is for: the series' assignee, or the present task's, whoever is active."""
    for user_id in dict.fromkeys((document["assigned_to"], task["assigned_to"])):
        person = find_person(session, user_id)
        if person is not None and person.is_active:
            return person
    return None


def _end_without_assignee(session: Session, before: Record, document: Mapping[str, Any]) -> None:
    end_series(session, before)
    creator = None if document["created_by"] is None else find_person(session, document["created_by"])
    if creator is not None and creator.is_active:
        notify(session, creator.id, "series_ended", ("task_series", before.id), document["template"]["title"])


def end_series(session: Session, before: Record) -> Record:
    """Let no further task of a locked series be made; the open one stays."""
    return _ALL.change(session, SERIES_ENDED, before, {"ended_at": NOW})


def stop_series(session: Session, series_id: int, version: int | None) -> Record:
    """End a series on somebody's wish. Raises NotFound, PreconditionFailed, Conflict for one that has ended."""
    before = RECORDS.expect(session, series_id, version)
    refuse_ended(before.document)
    return end_series(session, before)


def refuse_ended(document: Mapping[str, Any]) -> None:
    """Raise Conflict for a series that has ended."""
    if document["ended_at"] is not None:
        raise Conflict("series_ended", f"Series {document['id']} has ended.")


def change_series(session: Session, before: Record, values: dict[str, Any]) -> Record:
    """Change what holds for later occurrences of a locked series. Raises Conflict, Invalid."""
    document = before.document
    refuse_ended(document)
    if values.get("assigned_to", document["assigned_to"]) != document["assigned_to"]:
        get_active(session, values["assigned_to"])
    if {"rrule", "missing_day", "basis"} & values.keys():
        # The anchor stays, and so must fit the new rule.
        read_series(
            values.get("rrule", document["rrule"]),
            datetime.fromisoformat(document["anchor"]),
            zone_of(document["time_zone"]),
            all_day=document["all_day"],
            missing_day=values.get("missing_day", document["missing_day"]),
            basis=values.get("basis", document["basis"]),
        )
    template = document["template"] | {name: values[name] for name in _TEMPLATE if name in values}
    kept = {name: value for name, value in values.items() if name not in _TEMPLATE}
    if template != document["template"]:
        kept["template"] = template
    return RECORDS.change(session, SERIES_UPDATED, before, kept)


def series_of(document: Mapping[str, Any]) -> Series:
    """What a series is computed from."""
    return Series(
        rule=parse_rule(document["rrule"]),
        anchor=datetime.fromisoformat(document["anchor"]),
        zone=zone_of(document["time_zone"]),
        all_day=document["all_day"],
        missing_day=document["missing_day"],
        basis=document["basis"],
    )
