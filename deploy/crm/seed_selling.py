"""What a demo company has sold and hopes to sell, through the API; made once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crm.api import Api
from crm.demo import Tenant
from crm.demo.selling import STALE_AFTER, deals, leads
from crm.seed_work import create, people_of


def add_selling(api: Api, tenant: Tenant, codes: Mapping[str, int]) -> None:
    """Create a year of deals, and leads, as far as there are none; `codes` are the customers' ids."""
    people = people_of(api, tenant)
    now = datetime.now(UTC)
    reasons = {reason["name"]: reason["id"] for reason in api.get("/loss-reasons?limit=100").body["data"]}
    if not api.get("/deals?limit=1").body["data"]:
        stages = _deal_stages(api)
        wanted = []
        for deal in deals(tenant):
            if deal.customer_code not in codes:
                continue
            closed_at = deal.closed_at(now)
            values: dict[str, Any] = {
                "deal_name": deal.name,
                "deal_value": f"{deal.value}.00",
                "customer_id": codes[deal.customer_code],
                "assigned_to": people[deal.who],
                "stage_id": stages[deal.stage],
                "created_at": deal.created_at(now).isoformat(timespec="seconds"),
                "closed_at": closed_at and closed_at.isoformat(timespec="seconds"),
                "loss_reason_id": deal.reason and reasons[deal.reason],
                "expected_close_date": deal.expected_on(now) and str(deal.expected_on(now)),
            }
            wanted.append({name: value for name, value in values.items() if value is not None})
        create(api, "/deals/batch", wanted)
    if not api.get("/leads?limit=1").body["data"]:
        stages = {stage["name"]: stage["id"] for stage in api.get("/lead-stages?limit=100").body["data"]}
        people_who_asked = [
            {
                "lead_name": lead.name,
                "email": lead.email,
                "source": lead.source,
                "stage_id": stages[lead.stage],
                "estimated_value": f"{lead.value}.00",
                "priority": lead.priority,
                "assigned_to": people[lead.who],
                **({} if lead.reason is None else {"loss_reason_id": reasons[lead.reason]}),
            }
            for lead in leads(tenant)
        ]
        create(api, "/leads/batch", people_who_asked)


def _deal_stages(api: Api) -> dict[str, int]:
    """The stages of the default pipeline, which say from now on when a deal in them is stale."""
    [pipeline] = api.get("/pipelines?is_default=true").body["data"]
    stages = api.get(f"/pipelines/{pipeline['id']}/stages?limit=100").body["data"]
    for stage in stages:
        days = STALE_AFTER.get(stage["code"])
        if days is not None and stage["stale_after_days"] is None:
            version = {"If-Match": f'"{stage["version"]}"'}
            api.ask("PATCH", f"/deal-stages/{stage['id']}", {"stale_after_days": days}, headers=version)
    return {stage["code"]: stage["id"] for stage in stages}
