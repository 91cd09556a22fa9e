"""GET /v1/audit-logs: filters, order, pages, and who may read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from audit.schemas import AuditLogOut
from chassis.events import Event, EventType
from chassis.testing.fixtures import Client

CREATED = EventType("customer", "created", table="customers")
LEAD_UPDATED = EventType("lead", "updated", table="leads")
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def history(event_of: Callable[..., Event], record: Callable[..., None]) -> dict[str, str]:
    """Four changes, an hour apart, by name; answers the ids of their events."""
    events = {
        "created": event_of(CREATED, before=None, occurred_at=NOON),
        "updated": event_of(occurred_at=NOON + timedelta(hours=1), user_id=8),
        "other": event_of(record_id=2, occurred_at=NOON + timedelta(hours=2), request_id="request-2"),
        "lead": event_of(LEAD_UPDATED, source="pipeline", occurred_at=NOON + timedelta(hours=3), user_id=None),
    }
    record(*events.values())
    return {name: event.id for name, event in events.items()}


def list_of(client: Client, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/v1/audit-logs?{query}")
    assert answer.status_code == 200, answer.text
    document = answer.json
    assert isinstance(document, dict)
    return document


def names(document: dict[str, Any], history: dict[str, str]) -> list[str]:
    known = {event_id: name for name, event_id in history.items()}
    return [known[row["event_id"]] for row in document["data"]]


def test_the_newest_change_comes_first(client: Client, history: dict[str, str]) -> None:
    assert names(list_of(client), history) == ["lead", "other", "updated", "created"]
    assert names(list_of(client, "sort=created_at"), history) == ["created", "updated", "other", "lead"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("table_name=customers&record_id=1", ["updated", "created"]),
        ("table_name=leads", ["lead"]),
        ("table_name[in]=leads,deals", ["lead"]),
        ("action=created", ["created"]),
        ("user_id=8", ["updated"]),
        ("event_type=crm.lead.updated.v1", ["lead"]),
        ("source=pipeline", ["lead"]),
        ("source[in]=pipeline,tasks", ["lead"]),
        ("request_id=request-2", ["other"]),
        (f"created_at[gte]={quote((NOON + timedelta(hours=2)).isoformat())}", ["lead", "other"]),
        (f"created_at[gt]={quote((NOON + timedelta(hours=2)).isoformat())}", ["lead"]),
        (f"created_at[lte]={quote((NOON + timedelta(hours=1)).isoformat())}", ["updated", "created"]),
        (f"created_at[lt]={quote((NOON + timedelta(hours=1)).isoformat())}", ["created"]),
        ("table_name=customers&action=updated&user_id=7", ["other"]),
        ("action=forged", []),
    ],
)
def test_filters_narrow_the_list(client: Client, history: dict[str, str], query: str, expected: list[str]) -> None:
    assert names(list_of(client, query), history) == expected


def test_pages_follow_one_another_without_gap_or_repeat(client: Client, history: dict[str, str]) -> None:
    first = list_of(client, "limit=3&include=total")
    assert first["page"]["has_more"] is True
    assert first["page"]["total"] == 4
    second = list_of(client, f"limit=3&cursor={first['page']['next_cursor']}")
    assert second["page"] == {"next_cursor": None, "has_more": False}
    assert names(first, history) + names(second, history) == ["lead", "other", "updated", "created"]


def test_changes_of_the_same_moment_are_paged_by_id(
    client: Client, event_of: Callable[..., Event], record: Callable[..., None]
) -> None:
    batch = [event_of(occurred_at=NOON) for _ in range(5)]
    record(*batch)
    document = list_of(client, "limit=2")
    seen = [row["event_id"] for row in document["data"]]
    while document["page"]["has_more"]:
        document = list_of(client, f"limit=2&cursor={document['page']['next_cursor']}")
        seen += [row["event_id"] for row in document["data"]]
    assert seen == [event.id for event in reversed(batch)]


def test_a_row_is_what_its_schema_says(client: Client, history: dict[str, str]) -> None:
    schema = AuditLogOut()
    for row in list_of(client)["data"]:
        assert set(row) == set(schema.fields)
        assert schema.dump(schema.load(row)) == row


def test_a_row_shows_the_change(client: Client, history: dict[str, str]) -> None:
    row = list_of(client, "action=created")["data"][0]
    assert row["old_values"] is None
    assert row["new_values"] == {"name": "New"}
    assert (row["user_id"], row["ip_address"], row["user_agent"]) == (7, "203.0.113.9", "curl/8")


def test_another_tenant_sees_nothing(
    client_of: Callable[..., Client], company_id: int, history: dict[str, str]
) -> None:
    other = client_of(company_id + 10**12)
    assert list_of(other)["data"] == []
    assert list_of(other, "table_name=customers&record_id=1&include=total")["page"]["total"] == 0


def test_a_cursor_of_another_tenant_is_refused(
    client: Client, client_of: Callable[..., Client], company_id: int, history: dict[str, str]
) -> None:
    cursor = list_of(client, "limit=1")["page"]["next_cursor"]
    answer = client_of(company_id + 10**12).get(f"/v1/audit-logs?limit=1&cursor={cursor}")
    assert answer.status_code == 400


def test_reading_needs_its_permission(client_of: Callable[..., Client], company_id: int) -> None:
    assert client_of(company_id, scope="customers:read customers:write").get("/v1/audit-logs").status_code == 403


def test_reading_needs_a_token(client: Client) -> None:
    assert Client(client.http).get("/v1/audit-logs").status_code == 401


@pytest.mark.parametrize(
    "query",
    ["new_values=x", "action[contains]=pdat", "record_id=one", "created_at[gte]=yesterday", "sort=action", "limit=101"],
)
def test_what_the_list_does_not_know_is_refused(client: Client, query: str) -> None:
    answer = client.get(f"/v1/audit-logs?{query}")
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_writes(client: Client, method: str) -> None:
    assert client.request(method, "/v1/audit-logs", json={}).status_code == 405
