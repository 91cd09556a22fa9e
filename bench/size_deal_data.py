"""Deals with their histories, a thousand or a million of them, for databases that differ in their size alone."""

import os

import psycopg

from bench.size_data import FIRST, LAST, TRADES, indexes_taken
from bench.size_subject import Say
from chassis.testing.databases import DatabaseUrls, create_database

USERS, CUSTOMERS = 20, 200
_PORTION = 50_000

_TENANTS = """
INSERT INTO company_refs (company_id, version, default_currency, time_zone)
    SELECT c, 1, 'USD', 'Europe/Berlin' FROM generate_series(1, %(tenants)s) c;
INSERT INTO user_refs (company_id, user_id, version, name)
    SELECT c, (c - 1) * %(users)s + u, 1, 'User ' || u
    FROM generate_series(1, %(tenants)s) c, generate_series(1, %(users)s) u;
INSERT INTO customer_refs (company_id, customer_id, version, name)
    SELECT c, (c - 1) * %(customers)s + n, 1, 'Customer ' || n
    FROM generate_series(1, %(tenants)s) c, generate_series(1, %(customers)s) n;
INSERT INTO pipelines (company_id, name, is_default) SELECT c, 'Sales', true FROM generate_series(1, %(tenants)s) c;
INSERT INTO deal_stages (company_id, pipeline_id, code, name, kind, probability, forecast_category, order_index,
        stale_after_days)
    SELECT p.company_id, p.id, s.code, initcap(s.code), s.kind, s.probability, s.category, s.place, 30
    FROM pipelines p, (VALUES ('prospect', 'open', 10, 'pipeline', 1), ('qualified', 'open', 25, 'pipeline', 2),
        ('demo', 'open', 40, 'best_case', 3), ('proposal', 'open', 50, 'best_case', 4),
        ('negotiation', 'open', 75, 'commit', 5), ('closed_won', 'won', 100, 'closed', 6),
        ('closed_lost', 'lost', 0, 'omitted', 7)) s(code, kind, probability, category, place);
INSERT INTO lead_stages (company_id, name, order_index, lead_status, probability)
    SELECT c, s.name, s.place, s.status, s.probability FROM generate_series(1, %(tenants)s) c,
        (VALUES ('New', 1, 'new', 5), ('Won', 2, 'converted', 100), ('Lost', 3, 'lost', 0))
        s(name, place, status, probability);
INSERT INTO loss_reasons (company_id, name, order_index)
    SELECT c, 'Price', 1 FROM generate_series(1, %(tenants)s) c;
INSERT INTO exchange_rates (company_id, currency, base_currency, rate, valid_on)
    SELECT c, currency, 'USD', 1.1 + month / 100.0, date '2025-12-01' + month * interval '1 month'
    FROM generate_series(1, %(tenants)s) c, generate_series(0, 12) month, unnest(ARRAY['EUR', 'GBP']) currency
"""
# Picks by a hash, as the customers. Half of the deals are open; they lie on each other's top by their creation.
_DEALS = """
INSERT INTO deals (company_id, deal_name, customer_id, deal_value, currency, pipeline_id, stage_id, stage, status,
    probability, probability_source, expected_close_date, actual_close_date, closed_at, closed_by, loss_reason_id,
    loss_reason, close_rate, close_rate_base, close_rate_date, notes, assigned_to, created_by, position,
    stage_entered_at, created_at, updated_at, archived_at)
SELECT d.tenant, d.name, (d.tenant - 1) * %(customers)s + 1 + p4 %% %(customers)s, 1 + p5 %% 10000000 / 100.0,
    d.currency, s.pipeline_id, s.id, s.code, s.kind,
    CASE WHEN s.kind = 'open' AND p6 %% 10 = 0 THEN p7 %% 100 ELSE s.probability END,
    CASE WHEN s.kind = 'open' AND p6 %% 10 = 0 THEN 'manual' ELSE 'stage' END,
    CASE WHEN p7 %% 8 > 0 THEN (d.created + interval '1 day' * (20 + p7 %% 200))::date END,
    CASE WHEN s.kind <> 'open' THEN d.entered::date END, CASE WHEN s.kind <> 'open' THEN d.entered END,
    CASE WHEN s.kind <> 'open' THEN d.owner END, CASE WHEN s.kind = 'lost' AND p8 %% 2 = 0 THEN r.id END,
    CASE WHEN s.kind = 'lost' THEN 'Price' END,
    CASE WHEN s.kind <> 'open' AND d.currency <> 'USD' THEN 1.15 END,
    CASE WHEN s.kind <> 'open' AND d.currency <> 'USD' THEN 'USD' END,
    CASE WHEN s.kind <> 'open' AND d.currency <> 'USD' THEN date '2026-01-01' END,
    CASE WHEN p3 %% 2 = 0 THEN repeat('Asked for an offer for the coming year. ', 1 + p4 %% 5) END,
    CASE WHEN p7 %% 10 > 0 THEN d.owner END, (d.tenant - 1) * %(users)s + 1 + p2 %% %(users)s,
    -number::bigint * 1048576, d.entered, d.created, d.entered,
    CASE WHEN p2 %% 33 = 0 THEN d.entered + interval '1 day' END
FROM (
    SELECT h.*, (%(first)s::text[])[1 + p1 %% %(firsts)s] || ' ' || (%(last)s::text[])[1 + p3 %% %(lasts)s] || ', '
            || (%(trades)s::text[])[1 + p6 %% %(kinds)s] || ' ' || number AS name,
        (ARRAY['USD', 'USD', 'EUR', 'GBP'])[1 + p5 %% 4] AS currency,
        (tenant - 1) * %(users)s + 1 + p8 %% %(users)s AS owner,
        CASE WHEN p9 %% 20 < 10 THEN 1 + p9 %% 5 ELSE 6 + p9 %% 2 END AS place,
        created + interval '1 hour' * (24 + p8 %% 480) AS entered
    FROM (
        SELECT i, %(tenant)s + i %% %(tenants)s AS tenant, i / %(tenants)s + 1 AS number,
            timestamptz '2026-01-01Z' + i * interval '280 days' / %(rows)s AS created,
            hashint8(i * 10 + 1) & 2147483647 AS p1, hashint8(i * 10 + 2) & 2147483647 AS p2,
            hashint8(i * 10 + 3) & 2147483647 AS p3, hashint8(i * 10 + 4) & 2147483647 AS p4,
            hashint8(i * 10 + 5) & 2147483647 AS p5, hashint8(i * 10 + 6) & 2147483647 AS p6,
            hashint8(i * 10 + 7) & 2147483647 AS p7, hashint8(i * 10 + 8) & 2147483647 AS p8,
            hashint8(i * 10 + 9) & 2147483647 AS p9
        FROM generate_series(%(begin)s::bigint, %(end)s::bigint - 1) i
    ) h
) d
JOIN deal_stages s ON s.company_id = d.tenant AND s.order_index = d.place
JOIN loss_reasons r ON r.company_id = d.tenant
"""
# Through the first stage into the one where it is.
_HISTORIES = """
INSERT INTO stage_history (company_id, deal_id, pipeline_id, to_stage_id, to_code, to_name, to_kind, entered_at,
        left_at, value, currency, probability, status)
    SELECT d.company_id, d.id, d.pipeline_id, s.id, s.code, s.name, s.kind,
        CASE WHEN step = 1 THEN d.created_at ELSE d.stage_entered_at END,
        CASE WHEN step = 1 THEN d.stage_entered_at END, d.deal_value, d.currency, s.probability, s.kind
    FROM deals d, generate_series(1, 2) step, deal_stages s
    WHERE s.company_id = d.company_id AND s.pipeline_id = d.pipeline_id
        AND CASE WHEN step = 1 THEN s.order_index = 1 ELSE s.id = d.stage_id END;
INSERT INTO close_date_history (company_id, deal_id, new_date, changed_at)
    SELECT company_id, id, expected_close_date, created_at FROM deals WHERE expected_close_date IS NOT NULL
"""


def create(postgres_url: str, tenants: dict[int, int], say: Say) -> DatabaseUrls:
    """A migrated database with this many deals in each of the tenants (numbered from 1 without gaps)."""
    urls = create_database(postgres_url, "pipeline")
    os.environ.pop("OWNER_DATABASE_URL", None)
    fill(urls.superuser, tenants, say)
    return urls


def fill(url: str, tenants: dict[int, int], say: Say) -> None:
    """Fill the empty database at `url`, of a superuser, and analyse it."""
    tables = ("deals", "stage_history", "close_date_history")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        given = {"tenants": max(tenants), "users": USERS, "customers": CUSTOMERS}
        for statement in _TENANTS.split(";\n"):
            connection.execute(statement.encode(), given)
        # What is filled in is right, and to check six keys of each row takes most of the time; the texts are kept.
        for table in tables:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())
        with indexes_taken(connection, tables, say):
            for size in sorted(set(tenants.values())):
                alike = [tenant for tenant, rows in tenants.items() if rows == size]
                _fill(connection, min(alike), len(alike), size * len(alike), say)
            for statement in _HISTORIES.split(";\n"):
                connection.execute(statement.encode())
        for table in tables:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL".encode())
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def user_of(tenant: int) -> int:
    """A user of the tenant."""
    return (tenant - 1) * USERS + 1


def _fill(connection: psycopg.Connection, tenant: int, tenants: int, rows: int, say: Say) -> None:
    values = {
        "tenant": tenant,
        "tenants": tenants,
        "rows": rows,
        "users": USERS,
        "customers": CUSTOMERS,
        "first": FIRST,
        "firsts": len(FIRST),
        "last": LAST,
        "lasts": len(LAST),
        "trades": TRADES,
        "kinds": len(TRADES),
    }
    for begin in range(0, rows, _PORTION):
        connection.execute(_DEALS, values | {"begin": begin, "end": min(begin + _PORTION, rows)})
        if begin % 200_000 == 0:
            say(f"{begin:,} of {rows:,} deals")
