"""What is asked of tasks and timelines, to compare a million of them with a thousand."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from bench import size_task_data
from bench.size_subject import Ask, Bound, Change, Subject
from bench.size_task_data import BUSY_CUSTOMER, BUSY_USER, FEED_TOKEN

SORTS = ("due_date", "-updated_at", "-completed_at", "status", "assigned_to", "-priority")
DUE = ("overdue", "today", "tomorrow", "week", "later", "none")
LISTS: Mapping[str, Ask] = {
    "list, first page": lambda _: "",
    "list, page in the middle": lambda row: f"cursor={row['cursor']}",
    **{f"list, sort={name}": lambda _, name=name: f"sort={name}" for name in SORTS},  # type: ignore[misc]
    "list, sort=due_date, in the middle": lambda row: f"sort=due_date&cursor={row['due_cursor']}",
    "list, open tasks of a user": lambda row: f"assigned_to={row['user']}&open=true&limit=20",
    # Of a thousand tasks a user has some thirty open ones.
    **{
        f"list, due={name}": lambda row, name=name: f"assigned_to={row['user']}&due={name}&limit=1"  # type: ignore[misc]
        for name in DUE
    },
    "list, customer": lambda row: f"customer_id={row['customer_id']}&limit=2",
    "list, series": lambda row: f"series_id={row['series_id']}",
}
OWN: Mapping[str, Ask] = {"own list, first page": lambda _: "limit=20"}
PATHS: Mapping[str, Ask] = {
    "timeline, first page": lambda row: f"/v1/timeline?customer_id={row['customer_id']}&limit=5",
    "unread notifications": lambda _: "/v1/notifications/unread-count",
}
REPORTED: Mapping[str, Ask] = {
    "facets": lambda _: "/v1/tasks/facets",
    "summary": lambda row: f"/v1/tasks/summary?assigned_to={row['user']}",
}
CHANGES: Mapping[str, Change] = {
    "create": Change(
        "POST",
        lambda _: "/v1/tasks",
        lambda row: {"title": "Call Ada", "due_on": "2100-01-01", "customer_id": row["customer_id"]},
    ),
    "complete, with the next occurrence": Change("POST", lambda row: f"/v1/tasks/{row['id']}/complete", lambda _: {}),
}
_DEEP = urlencode({"to": (datetime.now(UTC) - timedelta(minutes=90_000)).isoformat()})
BOUNDS: Mapping[str, Bound] = {
    "summary of 5,000 open tasks": Bound(f"/v1/tasks/summary?assigned_to={BUSY_USER}", 30),
    "calendar of 2,000 tasks": Bound(f"/v1/calendar/{FEED_TOKEN}.ics", 150),
    "timeline of 100,000 entries, the first page": Bound(f"/v1/timeline?customer_id={BUSY_CUSTOMER}", 30),
    "timeline of 100,000 entries, behind 90,000": Bound(f"/v1/timeline?customer_id={BUSY_CUSTOMER}&{_DEEP}", 30),
}
_METHOD = """
To each task there are three activities. The large tenant has a customer with 100,000 entries in the timeline, and a
user with 5,000 open tasks, whose calendar is full; a timeline reads a page of two indexes, wherever the page lies.
Facets and summaries count what there is.
"""
_ROWS = """
SELECT id, version, customer_id, series_id FROM tasks WHERE company_id = %s AND series_id IS NOT NULL
ORDER BY id LIMIT 70
"""

TASKS = Subject(
    name="tasks",
    service="tasks",
    create=size_task_data.create,
    user_of=size_task_data.user_of,
    scope="tasks:read tasks:write activities:read account:read",
    own_scope="tasks:read:own",
    rows=_ROWS,
    columns=("id", "version", "customer_id", "series_id"),
    sorts={"cursor": "-created_at", "due_cursor": "due_date"},
    target=1.5,
    method=_METHOD,
    lists=LISTS,
    own=OWN,
    paths=PATHS,
    reported=REPORTED,
    changes=CHANGES,
    bounds=BOUNDS,
    large=20_000,
)
