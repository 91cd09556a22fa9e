"""Tenancy as the database has it: read from the catalog of what the migrations built, not from what the code says.

One table, role or index that was forgotten is a hole that no query shows; here it shows.
"""

from collections.abc import Callable

import psycopg
import pytest

from chassis.service import Service
from chassis.testing.fixtures import DatabaseUrls

# Tables that belong to no tenant, each with the reason.
SHARED = {
    "alembic_version": "the schema's own",
    "outbox_pending": "ids of events and records, without content; the relay alone reads it",
    "outbox_published": "ids of events, without content; the relay alone reads it",
    "inbox": "ids of events, without content; the consumer works for all tenants",
    "message_attempts": "ids of events, without content; the consumer works for all tenants",
    "failed_messages": "read by operators alone; no route shows it",
    "users": "a user may belong to many companies",
    "signing_keys": "the platform's",
    "login_throttles": "hashes of addresses that may be nobody's",
    "login_attempts": "what strangers did; the addresses may be nobody's, and no route shows them",
    "revocations": "read by the gateway for all tenants; ids alone",
}

# Indexes, those of primary keys among them, that do not lead with the tenant, each with the reason.
UNSCOPED = {
    "outbox": "the relay reads it for all tenants; the app role can neither read it nor choose an event's id",
    "ix_idempotency_keys_created_at": "expired keys are deleted for all tenants at once",
    "pk_audit_logs": "event ids are given out by the publishers; leading with them keeps inserts at the index's edge",
    "uq_companies_email": "unique across the platform by the seed; registering shows it anyway",
    "ix_companies_status": "the seed's; only the platform's operators ask for companies by status",
    "uq_user_companies_primary": "one primary company per user, across companies",
    "ix_user_companies_user_id": "the companies of a user who signs in, before there is a tenant",
    "uq_sessions_sid": "random, given out by identity, found before there is a tenant",
    "uq_refresh_tokens_token_hash": "found by its hash before there is a tenant",
    "uq_one_time_tokens_token_hash": "found by its hash before there is a tenant",
    "ix_one_time_tokens_expires_at": "expired ones are deleted for all tenants at once",
    "uq_api_keys_prefix": "random, found before there is a tenant",
    "uq_api_keys_sid": "random, given out by identity",
    "ix_leads_kept": "the worker removes old leads of all tenants in turn",
    "ix_tasks_expiring": "the worker removes old tasks of all tenants in turn",
    "ix_activities_age": "the worker removes old activities of all tenants in turn",
    "ix_conversions_converting": "how long the oldest has been waiting, over all tenants",
    "ix_mails_due": "the worker sends for all tenants in turn",
    "ix_mails_updated_at": "old ones are deleted for all tenants at once",
    "ix_user_settings_digest": "the worker looks for digests that are due in all tenants",
    "ix_digests_due_at": "old ones are forgotten for all tenants at once",
    "ix_reminders_waiting": "the worker serves all tenants in turn",
    "ix_notifications_created_at": "old ones are deleted for all tenants at once",
    "uq_calendar_feeds_token_hash": "found by its hash before there is a tenant",
    "ix_security_events_created_at": "old ones are deleted for all tenants at once",
    **dict.fromkeys(
        ("ix_customers_grams", "ix_contacts_grams", "ix_leads_grams", "ix_deals_grams", "ix_tasks_grams"),
        "every key of the expression holds the tenant in its upper half",
    ),
}

# Foreign keys that do not carry the tenant, each with the reason.
ACROSS = {"fk_user_companies_user_id": "users belong to no tenant, see above"}

TABLES = """
    SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced, r.rolname AS owner
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
POLICIES = """
    SELECT tablename, policyname, permissive, roles::text[], cmd, coalesce(qual, ''), coalesce(with_check, '')
    FROM pg_policies WHERE schemaname = 'public'
"""
INDEXES = """
    SELECT t.relname, i.relname, coalesce(a.attname, '')
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
    WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
"""
FOREIGN_KEYS = """
    SELECT t.relname, f.conname, a.attname, g.attname
    FROM pg_constraint f JOIN pg_class t ON t.oid = f.conrelid
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
    JOIN pg_attribute g ON g.attrelid = f.confrelid AND g.attnum = f.confkey[1]
    WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace AND f.conparentid = 0
"""


@pytest.fixture
def tenant_tables(service: Service) -> dict[str, str]:
    """The tenant's column of each table that the models declare to be a tenant's."""
    return {table.name: table.info["tenant"] for table in service.metadata.tables.values() if "tenant" in table.info}


def test_every_table_is_a_tenants_or_listed_as_shared(
    catalog: psycopg.Connection, tenant_tables: dict[str, str]
) -> None:
    tables = {row[0] for row in catalog.execute(TABLES)}
    assert tenant_tables.keys() - tables == set()
    assert tables - tenant_tables.keys() - SHARED.keys() == set()


def test_every_table_with_a_company_is_a_tenants(catalog: psycopg.Connection, tenant_tables: dict[str, str]) -> None:
    query = """
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE a.attname = 'company_id' AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND NOT c.relispartition
    """
    assert {row[0] for row in catalog.execute(query)} - tenant_tables.keys() == set()


def test_row_level_security_is_forced_on_every_tenants_table(
    catalog: psycopg.Connection, tenant_tables: dict[str, str]
) -> None:
    forced = {name for name, is_forced, _ in catalog.execute(TABLES) if is_forced}
    assert tenant_tables.keys() - forced == set()


def test_every_partition_is_behind_row_level_security(catalog: psycopg.Connection) -> None:
    query = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' AND NOT relforcerowsecurity"
    assert catalog.execute(query).fetchall() == []


def test_a_policy_of_every_tenants_table_checks_reads_and_writes(
    catalog: psycopg.Connection, tenant_tables: dict[str, str]
) -> None:
    policies = catalog.execute(POLICIES).fetchall()
    for table, column in tenant_tables.items():
        expected = f"({column} = ( SELECT (NULLIF(current_setting('app.company_id'::text, true), ''::text))::bigint"
        complete = [
            name
            for relation, name, _, roles, command, using, check in policies
            if relation == table
            and roles == ["public"]
            and command == "ALL"
            and using.startswith(expected)
            and check.startswith(expected)
        ]
        assert complete, f"{table} has no policy for all commands with USING and WITH CHECK on {column}"


def test_no_policy_opens_a_table_to_the_app_role(catalog: psycopg.Connection, service_name: str) -> None:
    """Permissive policies add up, so one `true` for everybody would undo the tenant's."""
    wide = [
        (table, name)
        for table, name, _, roles, _, using, check in catalog.execute(POLICIES)
        if {"public", f"{service_name}_app"} & set(roles)
        and any(condition and "app.company_id" not in condition for condition in (using, check))
    ]
    assert wide == []


def test_every_index_of_a_tenants_table_leads_with_the_tenant(
    catalog: psycopg.Connection, tenant_tables: dict[str, str]
) -> None:
    wrong = [
        f"{table}.{index} leads with {first or 'an expression'}"
        for table, index, first in catalog.execute(INDEXES)
        if table in tenant_tables and first != tenant_tables[table] and not {table, index} & UNSCOPED.keys()
    ]
    assert wrong == []


def test_every_foreign_key_between_tenants_tables_carries_the_tenant(
    catalog: psycopg.Connection, tenant_tables: dict[str, str]
) -> None:
    wrong = [
        f"{table}.{name} leads with {column} to {target}"
        for table, name, column, target in catalog.execute(FOREIGN_KEYS)
        if table in tenant_tables and column != tenant_tables[table] and name not in ACROSS
    ]
    assert wrong == []


def test_every_exception_is_still_one(migrated: Callable[[str], DatabaseUrls], service_names: list[str]) -> None:
    present = set()
    for name in service_names:
        with psycopg.connect(migrated(name).superuser) as connection:
            present |= {row[0] for row in connection.execute(TABLES)}
            present |= {row[1] for query in (INDEXES, FOREIGN_KEYS) for row in connection.execute(query)}
    assert (SHARED.keys() | UNSCOPED.keys() | ACROSS.keys()) - present == set()


def test_no_role_of_a_running_process_could_bypass_row_level_security(
    catalog: psycopg.Connection, service_name: str
) -> None:
    roles = catalog.execute(
        """
        SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
            OR pg_has_role(rolname, %(owner)s, 'MEMBER')
        FROM pg_roles WHERE rolname LIKE %(service)s AND rolname <> %(owner)s
        """,
        {"owner": f"{service_name}_owner", "service": f"{service_name}\\_%"},
    ).fetchall()
    assert {name for name, _ in roles} >= {f"{service_name}_app", f"{service_name}_relay"}
    assert [name for name, could in roles if could] == []


def test_every_table_is_the_owners(catalog: psycopg.Connection, service_name: str) -> None:
    assert [(table, owner) for table, _, owner in catalog.execute(TABLES) if owner != f"{service_name}_owner"] == []


def test_functions_with_the_owners_rights_have_a_fixed_search_path_and_are_closed_to_the_public(
    catalog: psycopg.Connection,
) -> None:
    query = """
        SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
        AND (NOT EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting LIKE 'search_path=%')
            OR p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) WHERE grantee = 0))
    """
    assert catalog.execute(query).fetchall() == []


def test_nothing_is_granted_to_everybody(catalog: psycopg.Connection) -> None:
    query = """
        SELECT c.relname FROM pg_class c, aclexplode(c.relacl) WHERE c.relnamespace = 'public'::regnamespace
        AND grantee = 0
    """
    assert catalog.execute(query).fetchall() == []
