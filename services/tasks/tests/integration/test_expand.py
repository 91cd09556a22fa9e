"""Tasks and activities say whom they name, where they are asked to."""

from collections.abc import Callable
from typing import Any

import psycopg

from chassis.testing.fixtures import Client


def test_tasks_and_activities_say_whom_they_name(
    client: Client, client_of: Callable[..., Any], superuser: psycopg.Connection, company_id: int, known: Any
) -> None:
    known.customer(3)
    task = client.post("/v1/tasks", json={"title": "Call back"})
    activity = client.post("/v1/activities", json={"activity_type": "note", "title": "Called back", "customer_id": 3})
    assert (task.status_code, activity.status_code) == (201, 201), (task.json, activity.json)
    superuser.execute("UPDATE user_refs SET name = 'Ada Lovelace' WHERE company_id = %s", (company_id,))
    ada = {"id": 7, "name": "Ada Lovelace", "is_active": True}
    reader = client_of(company_id, "tasks:read activities:read members:read")
    for path, record, expanded in (
        ("/v1/tasks", task.json, {"assigned_to": ada, "created_by": ada}),
        ("/v1/activities", activity.json, {"user_id": ada}),
    ):
        query = f"expand={','.join(expanded)}"
        found = {name: record[name] and ada for name in expanded}
        assert reader.get(f"{path}/{record['id']}?{query}").json["expanded"] == found
        assert [each["expanded"] for each in reader.get(f"{path}?{query}").json["data"]] == [found]
