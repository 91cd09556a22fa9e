"""The audit log: partitioned by month, open to inserts only, and the function that makes partitions ahead of time."""

from alembic import op

from chassis.db.migrations import create_chassis_tables, protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE audit_logs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    company_id BIGINT NOT NULL,
    event_id UUID NOT NULL,
    event_type VARCHAR(200) NOT NULL,
    source VARCHAR(100) NOT NULL,
    table_name VARCHAR(100) NOT NULL,
    record_id BIGINT NOT NULL,
    action VARCHAR(200) NOT NULL,
    old_values JSONB,
    new_values JSONB,
    user_id BIGINT,
    ip_address INET,
    user_agent TEXT,
    request_id VARCHAR(64),
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_audit_logs PRIMARY KEY (event_id, created_at)
) PARTITION BY RANGE (created_at)
"""

INDEXES = {
    "created_at": "company_id",
    "table_name_record_id": "company_id, table_name, record_id",
    "user_id": "company_id, user_id",
    "action": "company_id, action",
    "event_type": "company_id, event_type",
    "source": "company_id, source",
    "request_id": "company_id, request_id",
}

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'audit_logs is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$
"""

# Everything that a partition needs beyond what it inherits: rights and policies hold for access through the parent
# only, so a partition of its own is closed to all; and PostgreSQL does not hand TRUNCATE triggers down.
CLOSE_PARTITION = """
CREATE FUNCTION close_audit_partition(partition text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', partition);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', partition);
END $$
"""

# Rows of a month that had no partition yet lie in the default partition, and PostgreSQL refuses a partition whose rows
# are there. They are moved by replacing the default partition, never by deleting: that is refused to everybody.
ENSURE_PARTITIONS = """
CREATE FUNCTION ensure_audit_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz;
    this_month timestamptz := date_trunc('month', now());
    partition text;
    stray boolean;
    made integer := 0;
BEGIN
    IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'months_ahead is % and must lie between 0 and 24', months_ahead
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- One at a time: two workers that find the same month missing would both create it, and one would fail.
    PERFORM pg_advisory_xact_lock(hashtext('ensure_audit_partitions'));
    FOR month IN SELECT generate_series(this_month - interval '1 month',
                                        this_month + make_interval(months => months_ahead), interval '1 month') LOOP
        partition := to_char(month, '"audit_logs_y"YYYY"m"MM');
        CONTINUE WHEN to_regclass('public.' || partition) IS NOT NULL;
        SELECT EXISTS (SELECT FROM public.audit_logs WHERE tableoid = 'public.audit_logs_default'::regclass
            AND created_at >= month AND created_at < month + interval '1 month') INTO stray;
        IF stray THEN
            ALTER TABLE public.audit_logs DETACH PARTITION public.audit_logs_default;
            ALTER TABLE public.audit_logs_default RENAME TO audit_logs_stray;
            ALTER TABLE public.audit_logs_stray NO FORCE ROW LEVEL SECURITY;
        END IF;
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.audit_logs FOR VALUES FROM (%L) TO (%L)',
                       partition, month, month + interval '1 month');
        PERFORM public.close_audit_partition(partition);
        IF stray THEN
            CREATE TABLE public.audit_logs_default PARTITION OF public.audit_logs DEFAULT;
            PERFORM public.close_audit_partition('audit_logs_default');
            INSERT INTO public.audit_logs OVERRIDING SYSTEM VALUE SELECT * FROM public.audit_logs_stray;
            DROP TABLE public.audit_logs_stray;
        END IF;
        made := made + 1;
    END LOOP;
    RETURN made;
END $$
"""


def upgrade() -> None:
    create_chassis_tables("audit")
    op.execute(TABLE)
    for name, columns in INDEXES.items():
        op.execute(f"CREATE INDEX ix_audit_logs_company_id_{name} ON audit_logs ({columns}, created_at DESC, id DESC)")
    protect("audit_logs", service="audit", grant="SELECT")
    op.execute("CREATE POLICY ingest ON audit_logs FOR INSERT TO audit_ingest WITH CHECK (true)")
    _refuse_changes()
    _make_partitions()
    _let_the_consumer_work()


def _refuse_changes() -> None:
    """Missing grants stop the service; the triggers stop the owner's slips as well."""
    op.execute(REFUSE)
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit_logs "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit_logs "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _make_partitions() -> None:
    op.execute(CLOSE_PARTITION)
    op.execute("REVOKE ALL ON FUNCTION close_audit_partition(text) FROM PUBLIC")
    op.execute("CREATE TABLE audit_logs_default PARTITION OF audit_logs DEFAULT")
    op.execute("SELECT close_audit_partition('audit_logs_default')")
    op.execute(ENSURE_PARTITIONS)
    op.execute("REVOKE ALL ON FUNCTION ensure_audit_partitions(integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ensure_audit_partitions(integer) TO audit_app, audit_ingest")
    op.execute("SELECT ensure_audit_partitions(3)")


def _let_the_consumer_work() -> None:
    """The consumer's role adds rows for every tenant and can read none of them back."""
    op.execute("GRANT INSERT ON audit_logs TO audit_ingest")
    op.execute("GRANT SELECT, INSERT ON inbox TO audit_ingest")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON message_attempts TO audit_ingest")
    op.execute("GRANT SELECT, INSERT, UPDATE (replayed_at) ON failed_messages TO audit_ingest")
    op.execute("GRANT SELECT ON alembic_version TO audit_ingest")
