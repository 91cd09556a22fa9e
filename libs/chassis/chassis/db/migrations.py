"""What every migration is made of: the environment, the grants, row-level security, and the chassis' own tables.

Roles follow the service's name: `<service>_owner` runs migrations and owns the tables, `<service>_app` serves requests
and messages, `<service>_relay` sees the outbox and nothing else.
"""

from collections.abc import Mapping
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from environs import FileAwareEnv
from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from chassis.db.outbox_migration import create_publication
from chassis.db.revisions import newest
from chassis.db.tables import chassis_tables, new_metadata

LOCK = 0x43524D  # "CRM": one migration at a time in a database.
TENANT = "(SELECT nullif(current_setting('app.company_id', true), '')::bigint)"

_WAITING = """
    CREATE FUNCTION waiting_{table}(most integer) RETURNS TABLE ({answered})
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT {columns} FROM public.{table} w WHERE {where} ORDER BY w.id LIMIT most
    $$
"""

# As the owner, whose policies show all rows. It deletes nothing but what is a purged company's, in the tenant of the
# transaction, and keeps what tells of the purge itself: its event in the outbox, its entry in the audit log.
_PURGE_COMPANY_ROWS = """
    CREATE FUNCTION purge_company_rows(of_table text, most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        of_company bigint := nullif(current_setting('app.company_id', true), '')::bigint;
        of_event uuid;
        key text;
        condition text;
        gone bigint;
    BEGIN
        SELECT p.event_id INTO of_event FROM public.company_purges p WHERE p.company_id = of_company;
        IF NOT FOUND OR of_table = 'company_purges' THEN
            RAISE EXCEPTION 'these are no rows of a company that was purged' USING ERRCODE = 'insufficient_privilege';
        END IF;
        -- By its place a row is found in a table, but not in one of several partitions.
        SELECT CASE c.relkind WHEN 'p' THEN string_agg(quote_ident(a.attname), ', ') ELSE 'ctid' END INTO STRICT key
            FROM pg_class c
            LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
            WHERE c.oid = format('public.%I', of_table)::regclass GROUP BY c.relkind;
        condition := CASE
            -- What could not be handled: a body without a tenant of its own, under the key that it came with.
            WHEN of_table = 'failed_messages' THEN 'starts_with(t.routing_key, $1 || ''.'')'
            ELSE format('t.%I = $1', {column})
        END;
        IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = format('public.%I', of_table)::regclass
                   AND a.attname = 'event_id' AND NOT a.attisdropped) THEN
            condition := condition || ' AND t.event_id IS DISTINCT FROM $2';
        END IF;
        condition := format('SELECT %s FROM public.%I t WHERE %s LIMIT $3', key, of_table, condition);
        condition := CASE key WHEN 'ctid' THEN format('ctid = ANY (ARRAY(%s))', condition)
                     ELSE format('(%s) IN (%s)', key, condition) END;
        EXECUTE format('DELETE FROM public.%I WHERE %s', of_table, condition) USING of_company, of_event, most;
        GET DIAGNOSTICS gone = ROW_COUNT;
        RETURN gone;
    END $$
"""
_PURGED_AMONG = """
    CREATE FUNCTION purged_among(companies bigint[]) RETURNS TABLE (company_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT p.company_id FROM public.company_purges p WHERE p.company_id = ANY (companies)
    $$
"""

_MAILS = {
    "claim_mails(integer, integer)": """
        CREATE FUNCTION claim_mails(most integer, lease_seconds integer)
        RETURNS TABLE (company_id bigint, id bigint, recipient text, subject text, body text, attempts integer)
        LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            UPDATE public.mails m SET attempts = m.attempts + 1, version = m.version + 1, updated_at = now(),
                next_attempt_at = now() + make_interval(secs => lease_seconds)
            WHERE (m.company_id, m.id) IN (
                SELECT d.company_id, d.id FROM public.mails d WHERE d.status = 'pending' AND d.next_attempt_at <= now()
                ORDER BY d.next_attempt_at LIMIT most FOR UPDATE SKIP LOCKED
            )
            RETURNING m.company_id, m.id, m.recipient, m.subject, m.body, m.attempts
        $$
    """,
    "settle_mail(bigint, bigint, integer, text, text, integer)": """
        CREATE FUNCTION settle_mail(
            company bigint, mail_id bigint, attempt integer, new_status text, error text, retry_seconds integer
        ) RETURNS boolean
        LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            UPDATE public.mails m SET status = new_status, last_error = left(error, 500), version = m.version + 1,
                updated_at = now(),
                body = CASE WHEN new_status = 'pending' THEN m.body END,
                sent_at = CASE WHEN new_status = 'sent' THEN now() END,
                next_attempt_at = now() + make_interval(secs => retry_seconds)
            WHERE m.company_id = company AND m.id = mail_id AND m.attempts = attempt AND m.status = 'pending'
            RETURNING true
        $$
    """,
    "purge_mails(integer)": """
        CREATE FUNCTION purge_mails(most integer) RETURNS bigint
        LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            WITH gone AS (
                DELETE FROM public.mails m WHERE m.ctid = ANY (ARRAY(SELECT o.ctid FROM public.mails o
                    WHERE o.status <> 'pending' AND o.updated_at < now() - interval '30 days' LIMIT most))
                RETURNING 1
            )
            SELECT count(*) FROM gone
        $$
    """,
}


def create_tables(metadata: MetaData, *names: str) -> None:
    """Create the named tables and their indexes as `metadata` describes them (all of them without names)."""
    for table in metadata.sorted_tables:
        if names and table.name not in names:
            continue
        op.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            op.execute(CreateIndex(index))


def protect(
    table: str, *, service: str, column: str = "company_id", grant: str = "SELECT, INSERT, UPDATE, DELETE"
) -> None:
    """Put a tenant's table behind row-level security, forced on its owner too, and grant the app role its rights.

    The setting is read in a sub-select, so that PostgreSQL evaluates it once a statement and not once a row. Owner and
    migrations get a policy of their own instead of the BYPASSRLS attribute, which would hold for every database.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({column} = {TENANT}) WITH CHECK ({column} = {TENANT})")
    op.execute(f"CREATE POLICY owner ON {table} TO {service}_owner USING (true) WITH CHECK (true)")
    if grant:
        op.execute(f"GRANT {grant} ON {table} TO {service}_app")


def protect_transfers(table: str, *, service: str) -> None:
    """Close a table of `chassis.transfers`, and let the worker, which has no tenant, ask where one is to go on."""
    protect(table, service=service, grant="SELECT, INSERT, UPDATE (version, updated_at, moved, finished_at)")
    carried = {"correlation_id": "text", "event_id": "uuid"}
    create_waiting(table, service=service, where="finished_at IS NULL", carried=carried)


def protect_purges(*, service: str) -> None:
    """Close the table of `chassis.purges`, and let the worker, which has no tenant, ask where one is to go on."""
    protect("user_purges", service=service, grant="SELECT, INSERT, UPDATE (version, updated_at, changed, finished_at)")
    carried = {"created_by": "bigint", "correlation_id": "text", "event_id": "uuid"}
    create_waiting("user_purges", service=service, where="finished_at IS NULL", carried=carried)


def protect_mails(*, service: str, readable: tuple[str, ...] = ()) -> None:
    """Close the table of `chassis.mail`, and let the worker, which has no tenant, claim, settle and delete letters.

    Whoever serves requests writes letters and never reads one: they hold secrets of others. `readable` are columns of
    the service's own, for the look at a letter that is about to leave.
    """
    columns = ", ".join(("company_id", "id", *readable))
    protect("mails", service=service, grant=f"INSERT, SELECT ({columns})" if readable else "INSERT")
    for signature, definition in _MAILS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {service}_app")


def replace_email_checks(*tables: str) -> None:
    """Put `chassis.db.tables.email_check` in the place of what a table asked of addresses; all of a migration."""
    check = "CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$') NOT VALID"
    # Each statement by itself, so that nobody waits while the rows are looked at.
    with op.get_context().autocommit_block():
        for table in tables:
            name = f"ck_{table}_email"
            # What is dropped comes again in the same statement, and refuses less.
            op.execute(
                "-- squawk-ignore ban-drop-constraint\n"
                f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name} {check}"
            )
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def create_waiting(table: str, *, service: str, where: str, carried: Mapping[str, str]) -> None:
    """Let the worker, which has no tenant, ask where rows of `table` wait, which are those that `where` holds for.

    `carried` are the columns, with their types, that it gets of each besides company_id and id: those of
    `chassis.db.waiting.CARRIED` that the table has, in that order. There must be a partial index with that condition.
    """
    columns = {"id": "bigint", "company_id": "bigint", **carried}
    op.execute(
        _WAITING.format(
            table=table,
            answered=", ".join(f"{name} {kind}" for name, kind in columns.items()),
            columns=", ".join(f"w.{name}" for name in columns),
            where=where,
        )
    )
    op.execute(f"REVOKE ALL ON FUNCTION waiting_{table}(integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION waiting_{table}(integer) TO {service}_app")


def create_chassis_tables(service: str) -> None:
    """Create the outbox, inbox, message_attempts, failed_messages and idempotency_keys with their rights.

    The app role may add to the outbox and never read it; the relay role reads it for all tenants, keeps the books on
    what waits and what was published, and sees nothing else. Old rows are deleted through one function, so that no role
    needs the right to delete at will.
    """
    metadata = new_metadata()
    chassis_tables(metadata)
    create_tables(metadata, "outbox", "inbox", "message_attempts", "failed_messages", "idempotency_keys")
    protect("outbox", service=service, grant="INSERT")
    op.execute(f"CREATE POLICY relay ON outbox TO {service}_relay USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT ON outbox TO {service}_relay")
    protect("idempotency_keys", service=service, grant="SELECT, INSERT")
    op.execute(f"GRANT SELECT ON alembic_version TO {service}_app")  # For /readyz.
    op.execute(f"GRANT SELECT, INSERT ON inbox TO {service}_app")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON message_attempts TO {service}_app")
    op.execute(f"GRANT SELECT, INSERT, UPDATE (replayed_at) ON failed_messages TO {service}_app")
    create_publication(service)


def create_company_purges(
    service: str, *, noted_by: str | None = None, tenant_columns: Mapping[str, str] | None = None
) -> None:
    """Create company_purges, and the function by which a job deletes what a purged company has left.

    No role gets the right to delete: the function takes rows of a company that was noted, and of no other.
    `noted_by` is the role that notes one, for every tenant and without reading any, where that is not the app's;
    `tenant_columns` are those of tables of which the tenant's is not `company_id`.
    """
    metadata = new_metadata()
    chassis_tables(metadata)
    create_tables(metadata, "company_purges")
    grant = "SELECT, UPDATE (version, updated_at, known_from, changed, finished_at)"
    protect("company_purges", service=service, grant=grant if noted_by else f"INSERT, {grant}")
    carried = {"created_by": "bigint", "correlation_id": "text", "event_id": "uuid"}
    # One that is finished is looked at again each hour for two days: a job that lasts, or an operator's command, may
    # have known of the company from before. There are few enough of them to do without an index for that.
    again = "w.updated_at < now() - interval '1 hour' AND w.finished_at > now() - interval '2 days'"
    create_waiting("company_purges", service=service, where=f"w.finished_at IS NULL OR {again}", carried=carried)
    others = "".join(f" WHEN '{table}' THEN '{column}'" for table, column in (tenant_columns or {}).items())
    column = f"CASE of_table{others} ELSE 'company_id' END" if others else "'company_id'"
    op.execute(_PURGE_COMPANY_ROWS.replace("{column}", column))
    op.execute(_PURGED_AMONG)
    for signature in ("purge_company_rows(text, integer)", "purged_among(bigint[])"):
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {service}_app")
    if noted_by:
        op.execute(f"CREATE POLICY noted ON company_purges FOR INSERT TO {noted_by} WITH CHECK (true)")
        op.execute(f"GRANT INSERT ON company_purges TO {noted_by}")
        op.execute(f"GRANT EXECUTE ON FUNCTION purged_among(bigint[]) TO {noted_by}")


def run(metadata: MetaData) -> None:
    """Alembic's env.py in one call: online with OWNER_DATABASE_URL, or offline as SQL for the linter."""
    if context.is_offline_mode():
        context.configure(
            dialect_name="postgresql", target_metadata=metadata, literal_binds=True, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    url = make_url(FileAwareEnv(strip_whitespace=True).str("OWNER_DATABASE_URL")).set(drivername="postgresql+psycopg")
    engine = create_engine(url, connect_args={"options": "-c timezone=UTC"})
    with engine.connect() as connection:
        # Held by the session until it closes, so that two deployments migrate one after the other, however long.
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        connection.execute(text("SET lock_timeout = 3000"))
        connection.commit()
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def configuration(folder: Path) -> Config:
    """Alembic's configuration for the migrations in `folder`, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(folder: Path) -> str:
    """Bring the database of OWNER_DATABASE_URL to the newest revision and answer it."""
    config = configuration(folder)
    command.upgrade(config, "head")
    return newest(folder)
