"""Months of which rows came while nobody made partitions get theirs too, all in one go."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# PostgreSQL refuses a partition whose rows lie in the default partition. They are moved by replacing the default
# partition, once for all months, and never by deleting: that is refused to everybody. Ten years are how long rows are
# kept; what claims to be older, or of the far future, stays where it is.
ENSURE_PARTITIONS = """
CREATE OR REPLACE FUNCTION ensure_audit_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz;
    this_month timestamptz := date_trunc('month', now());
    partition text;
    missing timestamptz[] := '{}';
    stray boolean;
    strays boolean := false;
BEGIN
    IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'months_ahead is % and must lie between 0 and 24', months_ahead
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- One at a time: two workers that find the same month missing would both create it, and one would fail.
    PERFORM pg_advisory_xact_lock(hashtext('ensure_audit_partitions'));
    FOR month IN SELECT generate_series(this_month - interval '10 years',
                                        this_month + make_interval(months => months_ahead), interval '1 month') LOOP
        CONTINUE WHEN to_regclass('public.' || to_char(month, '"audit_logs_y"YYYY"m"MM')) IS NOT NULL;
        SELECT EXISTS (SELECT FROM public.audit_logs WHERE tableoid = 'public.audit_logs_default'::regclass
            AND created_at >= month AND created_at < month + interval '1 month') INTO stray;
        IF stray OR month >= this_month - interval '1 month' THEN
            missing := missing || month;
        END IF;
        strays := strays OR stray;
    END LOOP;
    IF strays THEN
        ALTER TABLE public.audit_logs DETACH PARTITION public.audit_logs_default;
        ALTER TABLE public.audit_logs_default RENAME TO audit_logs_stray;
        ALTER TABLE public.audit_logs_stray NO FORCE ROW LEVEL SECURITY;
    END IF;
    FOREACH month IN ARRAY missing LOOP
        partition := to_char(month, '"audit_logs_y"YYYY"m"MM');
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.audit_logs FOR VALUES FROM (%L) TO (%L)',
                       partition, month, month + interval '1 month');
        PERFORM public.close_audit_partition(partition);
    END LOOP;
    IF strays THEN
        CREATE TABLE public.audit_logs_default PARTITION OF public.audit_logs DEFAULT;
        PERFORM public.close_audit_partition('audit_logs_default');
        INSERT INTO public.audit_logs OVERRIDING SYSTEM VALUE SELECT * FROM public.audit_logs_stray;
        DROP TABLE public.audit_logs_stray;
    END IF;
    RETURN cardinality(missing);
END $$
"""


def upgrade() -> None:
    op.execute(ENSURE_PARTITIONS)


def downgrade() -> None:
    """Rows of those months stay where they are; the function goes on making them."""
