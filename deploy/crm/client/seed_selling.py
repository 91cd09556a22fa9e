"""What a demo company has sold and hopes to sell, through the API; made once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crm.client.api import Api
from crm.client.demo import Tenant
from crm.client.demo.selling import LEADS_STALE_AFTER, STALE_AFTER, deals, leads
from crm.client.seed_work import create, people_of


def add_selling(api: Api, tenant: Tenant, codes: Mapping[str, int]) -> None:
    """Create a year of deals and one of leads, as far as there are none; `codes` are the customers' ids."""
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
        stages = _lead_stages(api)
        people_who_asked = []
        # The oldest first: what comes last lies on top of its column.
        for lead in sorted(leads(tenant), key=lambda one: one.created_at(now)):
            lost_at, expected_on = lead.closed_at(now), lead.expected_on(now)
            said: dict[str, Any] = {
                "lead_name": lead.name,
                "email": lead.email,
                "source": lead.source,
                "stage_id": stages[lead.stage],
                "estimated_value": f"{lead.value}.00",
                "priority": lead.priority,
                "assigned_to": people[lead.who],
                "created_at": lead.created_at(now).isoformat(timespec="seconds"),
                "closed_at": lost_at and lost_at.isoformat(timespec="seconds"),
                "loss_reason_id": lead.reason and reasons[lead.reason],
                "expected_close_date": expected_on and str(expected_on),
            }
            people_who_asked.append({name: value for name, value in said.items() if value is not None})
        create(api, "/leads/batch", people_who_asked)


def _deal_stages(api: Api) -> dict[str, int]:
    """The stages of the default pipeline, which say from now on when a deal in them is stale."""
    [pipeline] = api.get("/pipelines?is_default=true").body["data"]
    stages = api.get(f"/pipelines/{pipeline['id']}/stages?limit=100").body["data"]
    _let_grow_stale(api, "/deal-stages", stages, "code", STALE_AFTER)
    return {stage["code"]: stage["id"] for stage in stages}


def _lead_stages(api: Api) -> dict[str, int]:
    """The stages of leads, which say from now on when a lead in them is stale."""
    stages = api.get("/lead-stages?limit=100").body["data"]
    _let_grow_stale(api, "/lead-stages", stages, "name", LEADS_STALE_AFTER)
    return {stage["name"]: stage["id"] for stage in stages}


def _let_grow_stale(api: Api, path: str, stages: list[Any], key: str, after: Mapping[str, int]) -> None:
    """Say after how many days a card is stale in these stages, where nobody has said it."""
    for stage in stages:
        days = after.get(stage[key])
        if days is not None and stage["stale_after_days"] is None:
            version = {"If-Match": f'"{stage["version"]}"'}
            api.ask("PATCH", f"{path}/{stage['id']}", {"stale_after_days": days}, headers=version)
