"""Amounts as whole numbers to sort by, and leads that expire by an index that no list takes for its own.

Below row-level security PostgreSQL compares no NUMERIC before it knows that a row is the tenant's, so that a page of a
list sorted by amounts would read all that come before it.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AMOUNTS = {"leads": "estimated_value", "deals": "deal_value"}

KEEP = """
    CREATE FUNCTION keep_{table}_value_rank() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$ BEGIN NEW.value_rank := NEW.{amount} * 100; RETURN NEW; END $$
"""
TRIGGER = """
    CREATE TRIGGER value_rank BEFORE INSERT OR UPDATE OF {amount} ON {table}
    FOR EACH ROW EXECUTE FUNCTION keep_{table}_value_rank()
"""
EXPIRED = """
    CREATE OR REPLACE FUNCTION expired_leads(most integer) RETURNS TABLE (company_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT l.company_id, l.id FROM public.leads l
        WHERE (l.closed_at AT TIME ZONE 'UTC') < (now() - interval '5 years') AT TIME ZONE 'UTC'
        ORDER BY l.closed_at AT TIME ZONE 'UTC' LIMIT most
    $$
"""


def upgrade() -> None:
    for table, amount in AMOUNTS.items():
        op.execute(f"ALTER TABLE {table} ADD COLUMN value_rank BIGINT")
        op.execute(KEEP.format(table=table, amount=amount))
        op.execute(TRIGGER.format(table=table, amount=amount))
    op.execute(EXPIRED)


def downgrade() -> None:
    """The version before works with these too."""
