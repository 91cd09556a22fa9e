"""Members who are purged: one function that deletes a deactivated one, and the person with their last company."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# It runs as the owner: no role of the service may delete a user, or what other companies have sent to their address.
# Only in the tenant of the transaction, and only a member who was deactivated before.
PURGE = """
    CREATE FUNCTION purge_member(of_user bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        of_company bigint := nullif(current_setting('app.company_id', true), '')::bigint;
        address text;
        is_last boolean;
    BEGIN
        -- Under the row's strongest lock: nobody who joins a company meanwhile goes with it.
        SELECT lower(u.email) INTO address FROM public.users u WHERE u.id = of_user FOR UPDATE;
        DELETE FROM public.user_companies m
            WHERE m.company_id = of_company AND m.user_id = of_user AND m.status = 'deactivated';
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


def upgrade() -> None:
    op.execute(PURGE)
    op.execute("REVOKE ALL ON FUNCTION purge_member(bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION purge_member(bigint) TO identity_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION purge_member(bigint)")
