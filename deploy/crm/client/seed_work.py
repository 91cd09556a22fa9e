"""What the people of a demo company have done and still have to do, through the API; made once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crm.client.api import Api
from crm.client.demo import Tenant
from crm.client.demo.work import activities, tasks
from crm.errors import OperatorError


def add_work(api: Api, tenant: Tenant, codes: Mapping[str, int]) -> None:
    """Log a year of activities and create tasks, as far as there are none; `codes` are the customers' ids."""
    people = people_of(api, tenant)
    now = datetime.now(UTC)
    if not api.get("/activities?limit=1&activity_type[in]=call,email,meeting,note").body["data"]:
        done = [
            {
                "activity_type": one.activity_type,
                "title": one.title,
                "outcome": one.outcome,
                "duration_minutes": one.minutes,
                "activity_date": one.at(now).isoformat(),
                "customer_id": codes[one.customer_code],
                "user_id": people[one.who],
            }
            for one in activities(tenant)
            if one.customer_code in codes
        ]
        create(api, "/activities/batch", done)
    if not api.get("/tasks?limit=1").body["data"]:
        wanted = [
            {
                "title": one.title,
                "task_type": one.task_type,
                "priority": one.priority,
                "due_on": one.due_on(now.date()).isoformat(),
                "customer_id": codes[one.customer_code],
                "assigned_to": people[one.who],
            }
            for one in tasks(tenant)
            if one.customer_code in codes
        ]
        create(api, "/tasks/batch", wanted)


def people_of(api: Api, tenant: Tenant) -> list[int]:
    """The ids of the admin and the members, in that order."""
    known = {user["email"]: user["id"] for user in api.get("/users?limit=100").body["data"]}
    return [known[email] for email in (tenant.email, *(member.email for member in tenant.members))]


def create(api: Api, path: str, values: list[dict[str, Any]]) -> None:
    items = [{"action": "create", "values": one} for one in values]
    answer = api.post(path, {"items": items}).body
    refused = [result["problem"] for result in answer["results"] if "problem" in result]
    if refused:
        raise OperatorError(f"demo data was refused by {path}: {refused[0]['detail']}")
