"""Leads and deals say whom they name, where they are asked to."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client


@pytest.mark.parametrize("kind", ["leads", "deals"])
def test_leads_and_deals_say_whom_they_name(
    *,
    kind: str,
    create_lead: Callable[..., Any],
    create_deal: Callable[..., Any],
    client_of: Callable[..., Client],
    superuser: psycopg.Connection,
    company_id: int,
    usual_scope: str,
) -> None:
    record = {"leads": create_lead, "deals": create_deal}[kind]()
    superuser.execute("UPDATE user_refs SET name = 'Ada Lovelace' WHERE company_id = %s", (company_id,))
    client = client_of(company_id, f"{usual_scope} members:read")
    expanded = {"created_by": {"id": 7, "name": "Ada Lovelace", "is_active": True}, "assigned_to": None}
    query = "expand=created_by,assigned_to"
    assert client.get(f"/v1/{kind}/{record['id']}?{query}").json["expanded"] == expanded
    page = client.get(f"/v1/{kind}?{query}").json
    assert [each["expanded"] for each in page["data"]] == [expanded]
