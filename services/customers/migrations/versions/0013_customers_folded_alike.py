"""Letters that are found large as they are small."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# In small letters first: the rules that take the accents off know some letters in one case only, such as the sign for
# Ångström.
FOLDING = """
    CREATE OR REPLACE FUNCTION fold_text(given text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
    BEGIN
        RETURN pg_catalog.lower(public.unaccent('public.unaccent', pg_catalog.lower(given)));
    END $$;

    CREATE OR REPLACE FUNCTION keep_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.search_text := pg_catalog.lower(public.unaccent('public.unaccent', pg_catalog.lower(pg_catalog.concat_ws(' ',
            NEW.name, NEW.company_name, NEW.email, NEW.customer_code,
            pg_catalog.regexp_replace(NEW.phone, '[^0-9]', '', 'g')))));
        RETURN NEW;
    END $$;
"""

# The trigger folds anew what holds one of these letters; they are so rare that it is a handful.
REFOLD = """
    UPDATE customers SET search_text = search_text
    WHERE concat_ws(' ', name, company_name, email, customer_code) ~ '[\u0196\u01a6\u01f6\u0220\u212b\ua7ac\ua7ad\ua7ae\ua7b2\ua7c5\ua7c6]'
"""


def upgrade() -> None:
    op.execute(FOLDING)
    with op.get_context().autocommit_block():
        op.execute(REFOLD)


def downgrade() -> None:
    """The version before works with these too."""
