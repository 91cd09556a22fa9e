"""What of the outbox is the relay's: which events wait, and which it has published, beside the events themselves.

An event never changes. To mark it in its own row would write that row anew, body and five indexes, for each event.
"""

from alembic import op
from sqlalchemy.schema import CreateIndex, CreateTable

from chassis.db.tables import chassis_tables, new_metadata

# The app role may add events and nothing else, so the triggers act as the owner. What is deleted, of a company that was
# purged, is not waited for.
_TRIGGERS = (
    (
        "outbox_recorded",
        "AFTER INSERT ON outbox REFERENCING NEW TABLE AS recorded",
        """
        INSERT INTO public.outbox_pending (id, aggregate_type, aggregate_id, occurred_at)
            SELECT r.id, r.aggregate_type, r.aggregate_id, r.occurred_at FROM recorded r
        """,
    ),
    (
        "outbox_removed",
        "AFTER DELETE ON outbox REFERENCING OLD TABLE AS removed",
        "DELETE FROM public.outbox_pending p USING removed r WHERE p.id = r.id",
    ),
)
_PURGE_EXPIRED = """
    CREATE OR REPLACE FUNCTION purge_expired(most integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
    DECLARE total bigint := 0; gone bigint;
    BEGIN
        -- As many batches as hold so many events. One whose events are gone already counts as well, or those behind it
        -- would wait for the next turn.
        WITH oldest AS (
            SELECT id, published_at, cardinality(ids) AS size FROM public.outbox_published
            WHERE published_at < now() - interval '7 days' ORDER BY published_at LIMIT most
        ), old AS (
            DELETE FROM public.outbox_published WHERE id IN (
                SELECT id FROM (SELECT id, size, sum(size) OVER (ORDER BY published_at, id) AS sum FROM oldest) AS each
                WHERE sum - size < most)
            RETURNING ids
        ), events AS (
            DELETE FROM public.outbox WHERE id IN (SELECT unnest(ids) FROM old) RETURNING 1
        )
        SELECT (SELECT count(*) FROM old) + (SELECT count(*) FROM events) INTO gone;
        total := total + gone;
        DELETE FROM public.inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.inbox
            WHERE received_at < now() - interval '30 days' LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        DELETE FROM public.idempotency_keys WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.idempotency_keys
            WHERE created_at < now() - interval '48 hours' LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        DELETE FROM public.message_attempts WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.message_attempts
            WHERE last_attempt_at < now() - interval '30 days' LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
        RETURN total;
    END $$
"""

# Of an outbox that marked its own rows. Where it never did, there is no such column, and nothing to do.
_WAITING = """
    INSERT INTO outbox_pending (id, aggregate_type, aggregate_id, occurred_at, attempts, next_attempt_at, last_error)
        SELECT id, aggregate_type, aggregate_id, occurred_at, attempts, next_attempt_at, last_error FROM outbox
        WHERE published_at IS NULL
        ON CONFLICT DO NOTHING
"""
_PUBLISHED = """
    TRUNCATE outbox_published;
    INSERT INTO outbox_published (published_at, ids)
        SELECT max(published_at), array_agg(id) FROM outbox WHERE published_at IS NOT NULL GROUP BY id / 200
"""
# The relay of the release before has gone on. What it marked may be in a batch by now: then it is in two.
_PUBLISHED_MEANWHILE = """
    LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE;
    WITH gone AS (
        DELETE FROM outbox_pending p USING outbox o WHERE o.id = p.id AND o.published_at IS NOT NULL RETURNING p.id
    )
    INSERT INTO outbox_published (ids) SELECT array_agg(id) FROM gone GROUP BY id / 200
"""


def create_publication(service: str) -> None:
    """Create outbox_pending and outbox_published with their rights, and what keeps them in step with the outbox."""
    metadata = new_metadata()
    chassis_tables(metadata)
    for name in ("outbox_pending", "outbox_published"):
        op.execute(CreateTable(metadata.tables[name], if_not_exists=True))
        for index in metadata.tables[name].indexes:
            op.execute(CreateIndex(index, if_not_exists=True))
    # Its end is free again and again. To give that back, vacuum would lock out who records an event.
    op.execute("ALTER TABLE outbox_pending SET (vacuum_truncate = off)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_pending TO {service}_relay")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON outbox_published TO {service}_relay")
    for name, when, what in _TRIGGERS:
        op.execute(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            f" SET search_path = pg_catalog, pg_temp AS $$ BEGIN {what}; RETURN NULL; END $$"
        )
        op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
        op.execute(f"CREATE OR REPLACE TRIGGER {name} {when} FOR EACH STATEMENT EXECUTE FUNCTION {name}()")
    op.execute(_PURGE_EXPIRED)
    op.execute("REVOKE ALL ON FUNCTION purge_expired(integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION purge_expired(integer) TO {service}_relay")


def separate_publication(service: str) -> None:
    """Take over what an outbox had marked in its own rows; the migration drops those columns behind it."""
    create_publication(service)
    # What the triggers have not seen may be many rows. Nobody waits while they are read.
    with op.get_context().autocommit_block():
        op.execute(_if_marked(_WAITING))
        op.execute(_if_marked(_PUBLISHED))
    op.execute(_if_marked(_PUBLISHED_MEANWHILE))


def _if_marked(statements: str) -> str:
    return f"""
        DO $do$ BEGIN
            IF EXISTS (SELECT FROM pg_attribute
                       WHERE attrelid = 'outbox'::regclass AND attname = 'published_at' AND NOT attisdropped) THEN
                {statements};
            END IF;
        END $do$
    """
