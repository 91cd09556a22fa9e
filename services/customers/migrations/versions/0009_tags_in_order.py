"""The order of lists beside each tag."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A tag's row has its customer's created_at, which never changes, so that those with a tag are in the order of a list.
TAGS_IN_ORDER = """
    ALTER TABLE customer_tags ADD COLUMN created_at TIMESTAMP WITH TIME ZONE;

    CREATE OR REPLACE FUNCTION keep_tags() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        DELETE FROM public.customer_tags t WHERE t.company_id = NEW.company_id AND t.customer_id = NEW.id
        AND NOT NEW.tags ? t.tag;
        INSERT INTO public.customer_tags (company_id, tag, created_at, customer_id)
        SELECT NEW.company_id, tag, NEW.created_at, NEW.id FROM jsonb_array_elements_text(NEW.tags) tag
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;

    CREATE OR REPLACE FUNCTION keep_tags_of_new() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        INSERT INTO public.customer_tags (company_id, tag, created_at, customer_id)
        SELECT a.company_id, tag, a.created_at, a.id FROM added a, jsonb_array_elements_text(a.tags) tag
        WHERE a.tags <> '[]' ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
"""


def upgrade() -> None:
    op.execute(TAGS_IN_ORDER)


def downgrade() -> None:
    """The version before works with the column too."""
