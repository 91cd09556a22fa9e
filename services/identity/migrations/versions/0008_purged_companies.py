"""Companies that are purged: which ones were, and the functions by which all that is theirs goes, and their people."""

from alembic import op

from chassis.db.migrations import create_company_purges

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# As in migration 0006, and for every member of a company that was purged as well as for one who was deactivated.
PURGE_MEMBER = """
    CREATE OR REPLACE FUNCTION purge_member(of_user bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        of_company bigint := nullif(current_setting('app.company_id', true), '')::bigint;
        address text;
        is_last boolean;
    BEGIN
        -- Under the row's strongest lock: nobody who joins a company meanwhile goes with it.
        SELECT lower(u.email) INTO address FROM public.users u WHERE u.id = of_user FOR UPDATE;
        DELETE FROM public.user_companies m
            WHERE m.company_id = of_company AND m.user_id = of_user AND (m.status = 'deactivated'
                OR EXISTS (SELECT FROM public.company_purges p WHERE p.company_id = of_company));
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no deactivated member of the tenant';
        END IF;
        is_last := NOT EXISTS (SELECT FROM public.user_companies m WHERE m.user_id = of_user);
        DELETE FROM public.invitations i
            WHERE (is_last OR i.company_id = of_company) AND (lower(i.email) = address OR i.accepted_by = of_user);
        DELETE FROM public.mails m WHERE (is_last OR m.company_id = of_company) AND lower(m.recipient) = address;
        DELETE FROM public.security_events e WHERE (is_last OR e.company_id = of_company) AND e.user_id = of_user;
        DELETE FROM public.idempotency_keys k
            WHERE (is_last OR k.company_id = of_company) AND k.principal LIKE of_user || ':%';
        IF is_last THEN
            DELETE FROM public.login_attempts a WHERE lower(a.email) = address;
            DELETE FROM public.users u WHERE u.id = of_user;
        END IF;
        RETURN is_last;
    END $$
"""

# As in migration 0001, without those that are on their way out: nobody is to make references to them anew.
COMPANY_IDS = """
    CREATE OR REPLACE FUNCTION company_ids(after bigint, most integer) RETURNS TABLE (id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT c.id FROM public.companies c
        WHERE c.id > after AND NOT EXISTS (SELECT FROM public.company_purges p WHERE p.company_id = c.id)
        ORDER BY c.id LIMIT most
    $$
"""


def upgrade() -> None:
    create_company_purges("identity", tenant_columns={"companies": "id"})
    op.execute(PURGE_MEMBER)
    op.execute(COMPANY_IDS)


def downgrade() -> None:
    """Which companies were purged would be forgotten, and with them which services have confirmed it."""
