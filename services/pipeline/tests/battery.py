"""What the tests over all services need to know of the pipeline service."""

from collections.abc import Mapping
from typing import Any

from chassis.testing.batteries import Battery, Owner


def make(owner: Owner, mark: str) -> Mapping[str, Any]:
    """A lead and a deal, and what a company has for them."""
    customer_id = owner.company_id * 1000 + 1
    owner.database.execute(
        "INSERT INTO customer_refs (company_id, customer_id, version, name) VALUES (%s, %s, 1, %s)"
        " ON CONFLICT DO NOTHING",
        (owner.company_id, customer_id, mark),
    )
    lead = owner.create("/v1/leads", lead_name=mark, notes=mark)
    deal = owner.create("/v1/deals", deal_name=mark, deal_value="1.00", customer_id=customer_id)
    pipeline = owner.create("/v1/pipelines", name=mark[:100])
    reason = owner.create("/v1/loss-reasons", name=mark[:100])
    converted = owner.create("/v1/leads", lead_name=mark, estimated_value="1.00")
    used = {"customer": {"use": customer_id}}
    conversion = owner.client.post(f"/v1/leads/{converted['id']}/convert", json=used)
    assert conversion.status_code == 201, conversion.json
    imported, brought = (owner.create(f"/v1/{noun}/imports", filename=mark) for noun in ("leads", "deals"))
    rate = owner.create("/v1/exchange-rates", currency="EUR", rate="1.1", valid_on="2026-01-01")
    return {
        "conversion_id": conversion.json["id"],
        "lead_id": lead["id"],
        "deal_id": deal["id"],
        "pipeline_id": pipeline["id"],
        "lead_stage_id": lead["stage_id"],
        "deal_stage_id": deal["stage_id"],
        "reason_id": reason["id"],
        "rate_id": rate["id"],
        "import_id": imported["id"],
        "/v1/deals/imports/{import_id}": brought["id"],
        "number": 1,
    }


BATTERY = Battery(
    make=make,
    changes={
        "leads": {"notes": "Mallory"},
        "deals": {"notes": "Mallory"},
        "lead-stages": {"name": "Mallory"},
        "deal-stages": {"name": "Mallory"},
        "pipelines": {"name": "Mallory"},
        "loss-reasons": {"name": "Mallory"},
        "exchange-rates": {"rate": "2"},
        "imports": {"mode": "create"},
    },
    deeds={
        "assign": {"assigned_to": None},
        "move": {"stage_id": 2**40},
        "lose": {"loss_reason": "Mallory"},
        "win": {},
        "reopen": {},
        "stages": {"name": "Mallory", "kind": "open"},
        "reorder": {"ids": [2**40]},
        "apply-probability": {},
        "convert": {},
        "preview": {},
        "uploaded": {"parts": 1},
    },
    of_the_company=frozenset(
        {
            "/v1/lead-stages",
            "/v1/lead-stages/{lead_stage_id}",
            "/v1/deal-stages/{deal_stage_id}",
            "/v1/pipelines",
            "/v1/pipelines/{pipeline_id}",
            "/v1/pipelines/{pipeline_id}/stages",
            "/v1/loss-reasons",
            "/v1/loss-reasons/{reason_id}",
            "/v1/exchange-rates",
            "/v1/exchange-rates/{rate_id}",
        }
    ),
)
