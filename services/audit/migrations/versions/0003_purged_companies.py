"""Companies that are purged: the one reason for which entries of the log are ever deleted."""

from alembic import op

from chassis.db.migrations import create_company_purges

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The trigger goes on refusing everybody everything, the owner and a superuser too, but for the entries of a company whose
# purge is on its way. The entry of the purge itself stays.
REFUSE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM public.company_purges p WHERE p.company_id = OLD.company_id AND p.event_id <> OLD.event_id
                   AND p.finished_at IS NULL) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_logs is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    # The consumer's role notes purges as it adds entries. That of web processes can note none.
    create_company_purges("audit", noted_by="audit_ingest")
    op.execute(REFUSE)


def downgrade() -> None:
    """Which companies were purged would be forgotten, and the next late event would bring one of them back."""
