"""What the tests over all services need to know of tasks."""

from collections.abc import Mapping
from typing import Any

from chassis.testing.batteries import Battery, Owner


def make(owner: Owner, mark: str) -> Mapping[str, Any]:
    """A task of a series, and a note."""
    recurrence = {"rrule": "FREQ=DAILY"}
    task = owner.create("/v1/tasks", title=mark, description=mark, due_on="2100-01-01", recurrence=recurrence)
    owner.database.execute(
        "INSERT INTO customer_refs (company_id, customer_id, version, name) VALUES (%s, 3, 1, 'Ada')",
        (owner.company_id,),
    )
    activity = owner.create("/v1/activities", activity_type="note", title=mark, description=mark, customer_id=3)
    return {"task_id": task["id"], "series_id": task["series_id"], "activity_id": activity["id"]}


BATTERY = Battery(
    make=make,
    changes={"tasks": {"status": "in_progress"}, "task-series": {"title": "Mallory"}, "activities": {"outcome": "x"}},
    deeds={
        "assign": {"assigned_to": 7},
        "complete": {},
        "reopen": {},
        "snooze": {"until_date": "2100-01-02"},
    },
)
