"""Tasks and activities, a thousand or a million of them, for databases that differ in their size alone."""

import hashlib
import os

import psycopg
from psycopg import sql

from bench.size_data import indexes_taken
from bench.size_subject import Say
from chassis.testing.databases import DatabaseUrls, create_database

USERS, CUSTOMERS = 10, 200
ACTIVITIES_PER_TASK = 3
# A customer of many years, and a user with more to do than anybody should have.
BUSY_CUSTOMER, BUSY_USER = CUSTOMERS + 1, USERS + 1
ENTRIES, OPEN_TASKS = 100_000, 5_000
FEED_TOKEN = "b" * 43
_TABLES = ("tasks", "activities")
_SERIES = """
WITH series AS (
    INSERT INTO task_series (company_id, rrule, time_zone, anchor, all_day, template, assigned_to, created_by)
    SELECT c, 'FREQ=DAILY', 'UTC', '2026-01-01T00:00:00', true, jsonb_build_object('title', 'Report',
        'description', NULL, 'task_type', 'general', 'priority', 'medium', 'remind_before', NULL), 1, 1
    FROM generate_series(1, %(tenants)s) c, generate_series(1, 70) RETURNING company_id, id
)
INSERT INTO tasks (company_id, title, due_date, due_on, due_time_zone, assigned_to, created_by, series_id, occurrence,
    customer_id)
SELECT company_id, 'Report', (current_date + 5)::timestamp AT TIME ZONE 'UTC', current_date + 4, 'UTC', 1, 1, id,
    (current_date + 4)::text, 1 + id %% %(customers)s FROM series
"""

# Tenants take turns, so that the rows of one lie all over the table; columns go by hashes, so that they do not go
# together and every run has the same rows.
_TASKS = """
INSERT INTO tasks (company_id, title, description, status, priority, task_type, due_date, due_time_zone, completed_at,
    customer_id, assigned_to, created_by, created_at, updated_at)
SELECT tenant, 'Call about offer ' || p1, repeat('Asked for an offer. ', p2 %% 6), status,
    (ARRAY['low', 'medium', 'high', 'urgent'])[1 + p3 %% 4],
    (ARRAY['call', 'email', 'meeting', 'general'])[1 + p4 %% 4], due, CASE WHEN due IS NOT NULL THEN 'UTC' END,
    CASE WHEN status = 'completed' THEN created + interval '1 hour' * (p1 %% 500) END, 1 + p2 %% %(customers)s,
    1 + p3 %% %(users)s, 1 + p4 %% %(users)s, created, created
FROM (
    SELECT *,
        (ARRAY['completed', 'completed', 'completed', 'pending', 'in_progress', 'cancelled'])[1 + p1 %% 6] AS status,
        CASE WHEN p4 %% 8 > 0 THEN now() + interval '1 hour' * (p2 %% 2000 - 400) END AS due,
        now() - interval '400 days' + i * interval '370 days' / %(rows)s AS created
    FROM (
        SELECT i, %(tenant)s + i %% %(tenants)s AS tenant, hashint8(i * 4 + 1) & 2147483647 AS p1,
            hashint8(i * 4 + 2) & 2147483647 AS p2, hashint8(i * 4 + 3) & 2147483647 AS p3,
            hashint8(i * 4 + 4) & 2147483647 AS p4
        FROM generate_series(%(begin)s::bigint, %(end)s::bigint - 1) i
    ) hashes
) picks
"""
_ACTIVITIES = """
INSERT INTO activities (company_id, activity_type, title, description, duration_minutes, activity_date, customer_id,
    user_id, created_at, updated_at)
SELECT tenant, (ARRAY['call', 'email', 'meeting', 'note'])[1 + p1 %% 4], 'Talked about ' || p2,
    repeat('Will decide next week. ', p2 %% 4), 1 + p1 %% 60, at, 1 + p2 %% %(customers)s, 1 + p1 %% %(users)s, at, at
FROM (
    SELECT %(tenant)s + i %% %(tenants)s AS tenant, hashint8(i * 2 + 1) & 2147483647 AS p1,
        hashint8(i * 2 + 2) & 2147483647 AS p2, now() - interval '400 days' + i * interval '399 days' / %(rows)s AS at
    FROM generate_series(%(begin)s::bigint, %(end)s::bigint - 1) i
) picks
"""
_BUSY = """
INSERT INTO activities (company_id, activity_type, title, activity_date, customer_id, user_id)
SELECT %(tenant)s, 'note', 'Note ' || i, now() - i * interval '1 minute', %(customer)s, 1
FROM generate_series(1, %(entries)s) i;
INSERT INTO tasks (company_id, title, description, due_date, due_time_zone, assigned_to, created_by)
SELECT %(tenant)s, 'Task ' || i, repeat('What there is to do. ', 10), now() + (i - 1000) * interval '10 minutes', 'UTC',
    %(user)s, 1 FROM generate_series(1, %(open)s) i;
INSERT INTO calendar_feeds (company_id, user_id, token_hash) VALUES (%(tenant)s, %(user)s, %(hash)s)
"""
_PORTION = 50_000


def create(postgres_url: str, tenants: dict[int, int], say: Say) -> DatabaseUrls:
    """A migrated database with this many tasks, and three activities to each, in tenants numbered from 1.

    Where there are many tenants, the last has the busy customer and the busy user besides.
    """
    urls = create_database(postgres_url, "tasks")
    os.environ.pop("OWNER_DATABASE_URL", None)
    fill(urls.superuser, tenants, say, busy=len(tenants) > 1)
    return urls


def fill(url: str, tenants: dict[int, int], say: Say, *, busy: bool = False) -> None:
    """Fill the empty database at `url`, of a superuser, and analyse it; the last tenant may have somebody busy."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(
            "INSERT INTO company_refs (company_id, version) SELECT c, 1 FROM generate_series(1, %s) c", (max(tenants),)
        )
        for kind, most in (("user", BUSY_USER), ("customer", BUSY_CUSTOMER)):
            name, key = sql.Identifier(f"{kind}_refs"), sql.Identifier(f"{kind}_id")
            insert = "INSERT INTO {} (company_id, {}, version, name) SELECT c, n, 1, 'N ' || n FROM"
            numbers = " generate_series(1, %s) c, generate_series(1, %s) n"
            connection.execute(sql.SQL(insert + numbers).format(name, key), (max(tenants), most))
        # What is filled in is right, and to check the keys of each row takes most of the time; the texts are kept.
        for table in _TABLES:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())
        with indexes_taken(connection, _TABLES, say):
            for size in sorted(set(tenants.values())):
                alike = [tenant for tenant, rows in tenants.items() if rows == size]
                _fill(connection, alike, size, say)
            given: dict[str, object] = {"tenants": max(tenants), "customers": CUSTOMERS, "tenant": max(tenants)}
            connection.execute(_SERIES.encode(), given)
            if busy:
                given |= {"customer": BUSY_CUSTOMER, "entries": ENTRIES, "open": OPEN_TASKS, "user": BUSY_USER}
                given |= {"hash": hashlib.sha256(FEED_TOKEN.encode()).digest()}
                for statement in _BUSY.split(";\n"):
                    connection.execute(statement.encode(), given)
        for table in _TABLES:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL".encode())
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def user_of(_: int) -> int:
    """A user of the tenant."""
    return 1


def _fill(connection: psycopg.Connection, alike: list[int], size: int, say: Say) -> None:
    for statement, rows in ((_TASKS, size * len(alike)), (_ACTIVITIES, size * len(alike) * ACTIVITIES_PER_TASK)):
        given = {"tenant": min(alike), "tenants": len(alike), "rows": rows, "users": USERS, "customers": CUSTOMERS}
        for begin in range(0, rows, _PORTION):
            connection.execute(statement.encode(), given | {"begin": begin, "end": min(begin + _PORTION, rows)})
            if begin % 500_000 == 0:
                say(f"{begin:,} of {rows:,} rows")
