"""What an activity may be, and what follows from one. Pure, no I/O."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from chassis.errors import Conflict, FieldError, Invalid
from tasks.rules import LONGEST_TITLE, STATUS_CHANGE

# A clock of a client that goes a little fast is no plan for the future.
TOLERANCE = timedelta(minutes=5)
_FOLLOWED_BY = {"call": "call", "email": "email", "meeting": "meeting"}
_LOGGED_AS = {"call": "call", "email": "email", "meeting": "meeting"}


def refuse_future(activity_date: datetime | None, now: datetime) -> None:
    """Raise Invalid for what has not happened yet: that is a task."""
    if activity_date is not None and activity_date > now + TOLERANCE:
        detail = "An activity has happened; what is planned is a task."
        raise Invalid("activity_in_future", detail, (FieldError("/activity_date", "activity_in_future", detail),))


def refuse_without_subject(links: Mapping[str, Any]) -> None:
    """Raise Invalid for an activity that is about nobody."""
    if all(links.get(name) is None for name in ("customer_id", "lead_id", "deal_id")):
        detail = "An activity is about a customer, a lead or a deal."
        fault = FieldError("/customer_id", "activity_without_subject", detail)
        raise Invalid("activity_without_subject", detail, (fault,))


def refuse_immutable(activity: Mapping[str, Any]) -> None:
    """Raise Conflict for what an event has written."""
    if activity["activity_type"] == STATUS_CHANGE:
        raise Conflict("activity_immutable", "A change of status stays as it was written.")


def follow_up_title(title: str) -> str:
    """What a follow-up task is called."""
    return f"Follow up: {title}"[:LONGEST_TITLE]


def follow_up_type(activity_type: str) -> str:
    """The type of the task that follows an activity."""
    return _FOLLOWED_BY.get(activity_type, "general")


def logged_as(task_type: str) -> str:
    """The type of the activity that a completed task is logged as."""
    return _LOGGED_AS.get(task_type, "note")


def is_worth_following(follow_up_date: date | None, today: date) -> bool:
    """Whether a follow-up is still to come: logging the past makes no work."""
    return follow_up_date is not None and follow_up_date >= today
