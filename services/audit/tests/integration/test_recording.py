"""Events become rows: all of them, once, whatever they carry."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from audit import commands, handlers
from chassis.db.session import Database
from chassis.events import Event, EventType


def rows_of(superuser: psycopg.Connection, company_id: int, columns: str = "event_id::text") -> list[tuple[Any, ...]]:
    query = sql.SQL("SELECT {} FROM audit_logs WHERE company_id = %s ORDER BY id").format(sql.SQL(columns))
    return superuser.execute(query, (company_id,)).fetchall()


def test_every_event_of_a_batch_has_a_row(
    event_of: Callable[..., Event], ingest: Database, superuser: psycopg.Connection, company_id: int
) -> None:
    batch = [event_of(record_id=number) for number in range(1, 201)]
    with ingest.transaction() as session:
        handlers.on_events(session, batch)
    assert rows_of(superuser, company_id) == [(event.id,) for event in batch]


def test_a_row_says_what_the_event_said(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection, company_id: int
) -> None:
    happened = datetime(2026, 11, 22, 3, 50, 38, 123456, tzinfo=UTC)
    event = event_of(EventType("deal", "stage_changed", table="deals"), record_id=2**62, occurred_at=happened)
    record(event)
    columns = (
        "event_id::text, event_type, source, table_name, record_id, action, old_values, new_values, user_id, "
        "host(ip_address), user_agent, request_id, created_at"
    )
    assert rows_of(superuser, company_id, columns) == [
        (
            event.id,
            "crm.deal.stage_changed.v1",
            "customers",
            "deals",
            2**62,
            "stage_changed",
            {"name": "Old"},
            {"name": "New"},
            7,
            "203.0.113.9",
            "curl/8",
            "request-1",
            happened,
        )
    ]


def test_values_that_are_absent_are_null(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection, company_id: int
) -> None:
    record(event_of(before=None, after=None, user_id=None, client_ip=None, user_agent=None))
    columns = "num_nulls(old_values, new_values, user_id, ip_address, user_agent)"
    assert rows_of(superuser, company_id, columns) == [(5,)]


@pytest.mark.parametrize("address", ["unknown", "203.0.113.9, 10.0.0.1", "fe80::1%eth0"])
def test_a_bad_address_is_left_out_and_the_change_is_kept(
    event_of: Callable[..., Event],
    record: Callable[..., None],
    superuser: psycopg.Connection,
    company_id: int,
    address: str,
) -> None:
    record(event_of(client_ip=address), event_of())
    assert rows_of(superuser, company_id, "host(ip_address)") == [(None,), ("203.0.113.9",)]


def test_an_over_long_request_id_is_cut(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection, company_id: int
) -> None:
    record(event_of(request_id="r" * 100))
    assert rows_of(superuser, company_id, "length(request_id)") == [(64,)]


def test_an_event_that_comes_again_has_one_row(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection, company_id: int
) -> None:
    first, second = event_of(), event_of()
    record(first)
    record(first, second, second)
    assert rows_of(superuser, company_id) == [(first.id,), (second.id,)]


def test_two_consumers_with_the_same_events_leave_one_row_each(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection, company_id: int
) -> None:
    batch = [event_of() for _ in range(100)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(record, *batch) for _ in range(4)]:
            done.result()
    assert sorted(rows_of(superuser, company_id)) == sorted((event.id,) for event in batch)


def test_a_batch_that_rolls_back_leaves_no_row(
    event_of: Callable[..., Event], ingest: Database, superuser: psycopg.Connection, company_id: int
) -> None:
    with pytest.raises(ConnectionError), ingest.transaction() as session:  # noqa: PT012  # The block is the transaction.
        commands.record_events(session, [event_of()])
        raise ConnectionError
    assert rows_of(superuser, company_id) == []


def test_a_batch_holds_events_of_many_tenants(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection, company_id: int
) -> None:
    other = company_id + 10**12
    record(event_of(), event_of(company_id=other))
    assert len(rows_of(superuser, company_id)) == 1
    assert len(rows_of(superuser, other)) == 1
