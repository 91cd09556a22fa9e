"""Customers as they are in life, a thousand or a million of them, for databases that differ in their size alone."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from bench.size_subject import Say
from chassis.testing.databases import DatabaseUrls, create_database

USERS = 20
FIRST = [
    "Ada",
    "Boris",
    "Chen",
    "Dalia",
    "Emeka",
    "Fatima",
    "Göran",
    "Hana",
    "Iñigo",
    "Jutta",
    "Kofi",
    "Lena",
    "Mehmet",
    "Noémie",
    "Ólafur",
    "Priya",
    "Quentin",
    "Rosa",
    "Søren",
    "Tomáš",
    "Ursula",
    "Viktor",
    "Wanda",
    "Xavier",
    "Yuki",
    "Zoë",
    "André",
    "Birgit",
    "Carlos",
    "Dmitri",
    "Elżbieta",
    "François",
    "Giulia",
    "Håkon",
    "Irina",
    "José",
]
LAST = [
    "Adler",
    "Bianchi",
    "Costa",
    "Dubois",
    "Eriksen",
    "Ferrari",
    "García",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Okafor",
    "Müller",
    "Schmidt",
    "Novák",
    "Kowalski",
    "Andersson",
    "Rossi",
    "Silva",
    "Popescu",
    "Nagy",
    "Horvat",
    "Papadopoulos",
    "Yildiz",
    "Nguyen",
    "Tanaka",
    "Kim",
    "Singh",
    "Patel",
    "Khan",
    "Cohen",
    "Smith",
    "Jones",
    "Taylor",
    "Brown",
    "Wilson",
    "Evans",
    "Walker",
    "Wright",
    "Robinson",
    "Thompson",
    "Martínez",
    "López",
    "Pérez",
    "Sánchez",
    "Weiß",
    "Fischer",
    "Weber",
    "Becker",
    "Hoffmann",
    "Schäfer",
    "Lefèvre",
    "Moreau",
    "Girard",
    "Bonnet",
    "Lambert",
    "Fontaine",
    "O'Brien",
    "Murphy",
    "Kelly",
    "Byrne",
]
CITIES = [
    "Berlin",
    "Lyon",
    "Porto",
    "Austin",
    "Osaka",
    "München",
    "Köln",
    "Zürich",
    "Wien",
    "Praha",
    "Kraków",
    "Malmö",
    "Århus",
    "Oslo",
    "Turku",
    "Tallinn",
    "Riga",
    "Vilnius",
    "Gent",
    "Lille",
    "Nantes",
    "Sevilla",
    "Málaga",
    "Braga",
    "Torino",
    "Bari",
    "Split",
    "Izmir",
    "Pune",
    "Kyoto",
]
TRADES = [
    "Engines",
    "Foods",
    "Logistics",
    "Optics",
    "Partners",
    "Textiles",
    "Tools",
    "Systems",
    "Motors",
    "Paper",
    "Energy",
    "Design",
    "Media",
    "Labs",
]
TAGS = ["vip", "newsletter", "eu", "trial", "partner", "renewal", "fair2025", "fair2026", "wholesale", "risky"]

# Picks by a hash, so that columns do not go together and every run has the same rows. Tenants take turns, so that the
# rows of one lie all over the table.
_FILL = """
INSERT INTO customers (company_id, customer_code, name, email, phone, city, country, customer_type, industry,
    company_name, website, status, source, priority, credit_limit, notes, tags, created_by, assigned_to, created_at,
    updated_at, archived_at, email_norm, name_norm, phone_e164, phone_tail, domain_norm)
SELECT tenant, 'C-' || lpad(number::text, 6, '0'), name, email, phone, city, country, kind, industry, business, site,
    status, source, priority, credit, notes, tags, created_by, assigned_to, created,
    created + interval '1 hour' * (p9 %% 1000),
    CASE WHEN p2 %% 33 = 0 THEN created + interval '30 days' END, lower(email), public.fold_text(name),
    replace(phone, ' ', ''), right(replace(phone, ' ', ''), 10), CASE WHEN site IS NOT NULL THEN substr(site, 13) END
FROM (
    SELECT i, tenant, number, p2, p9, first || ' ' || last AS name, city, country, kind, industry, status, source,
        priority, credit, notes, tags, created, (tenant - 1) * %(users)s + 1 + p2 %% %(users)s AS created_by,
        CASE WHEN p7 %% 10 > 0 THEN (tenant - 1) * %(users)s + 1 + p8 %% %(users)s END AS assigned_to,
        regexp_replace(public.fold_text(first || '.' || last), '[^a-z.]', '', 'g') || number || '@'
            || (ARRAY['gmail.com', 'web.de', 'mail' || p6 %% 400 || '.example'])[1 + p9 %% 3] AS email,
        '+49 ' || (30 + p6 %% 60) || ' ' || lpad((p1::bigint * 31 %% 10000000)::text, 7, '0') AS phone,
        CASE WHEN kind = 'business' THEN last || ' ' || trade || ' ' || number END AS business,
        CASE WHEN kind = 'business' THEN 'https://www.' || lower(trade) || number || '.example' END AS site
    FROM (
        SELECT i, tenant, number, p1, p2, p6, p7, p8, p9, (%(first)s::text[])[1 + p1 %% %(firsts)s] AS first,
            (%(last)s::text[])[1 + p3 %% %(lasts)s] AS last, (%(cities)s::text[])[1 + p4 %% %(places)s] AS city,
            (ARRAY['Germany', 'France', 'Portugal', 'Japan', 'Italy', 'Poland'])[1 + p4 %% 6] AS country,
            CASE WHEN p5 %% 5 < 2 THEN 'business' ELSE 'individual' END AS kind,
            (%(trades)s::text[])[1 + p6 %% %(kinds)s] AS trade,
            (ARRAY['Technology', 'Healthcare', 'Finance', 'Retail', 'Manufacturing', 'Education', 'Other'])[1 + p7 %% 7]
                AS industry,
            (ARRAY['active', 'active', 'active', 'inactive', 'prospect', 'lost'])[1 + p8 %% 6] AS status,
            (ARRAY['referral', 'website', 'fair', NULL])[1 + p9 %% 4] AS source,
            (ARRAY['low', 'medium', 'high'])[1 + p1 %% 3] AS priority, p2 %% 5000000 / 100.0 AS credit,
            CASE WHEN p3 %% 2 = 0 THEN repeat('Asked for an offer for the coming year. ', 1 + p4 %% 5) END AS notes,
            CASE WHEN p5 %% 3 = 0 THEN '[]'::jsonb
                 ELSE jsonb_build_array((%(tags)s::text[])[1 + p6 %% 5], (%(tags)s::text[])[6 + p7 %% 5]) END AS tags,
            timestamptz '2026-01-01Z' + i * interval '300 days' / %(rows)s AS created
        FROM (
            SELECT i, %(tenant)s + i %% %(tenants)s AS tenant, i / %(tenants)s + 1 AS number,
                hashint8(i * 10 + 1) & 2147483647 AS p1, hashint8(i * 10 + 2) & 2147483647 AS p2,
                hashint8(i * 10 + 3) & 2147483647 AS p3, hashint8(i * 10 + 4) & 2147483647 AS p4,
                hashint8(i * 10 + 5) & 2147483647 AS p5, hashint8(i * 10 + 6) & 2147483647 AS p6,
                hashint8(i * 10 + 7) & 2147483647 AS p7, hashint8(i * 10 + 8) & 2147483647 AS p8,
                hashint8(i * 10 + 9) & 2147483647 AS p9
            FROM generate_series(%(begin)s::bigint, %(end)s::bigint - 1) i
        ) hashes
    ) picks
) people
"""
_PORTION = 50_000


def create(postgres_url: str, tenants: dict[int, int], say: Say) -> DatabaseUrls:
    """A migrated database with this many customers in each of the tenants (numbered from 1 without gaps)."""
    urls = create_database(postgres_url, "customers")
    os.environ.pop("OWNER_DATABASE_URL", None)
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(
            "INSERT INTO user_refs (company_id, user_id, version, name)"
            " SELECT c, (c - 1) * %(users)s + u, 1, 'User ' || u"
            " FROM generate_series(1, %(tenants)s) c, generate_series(1, %(users)s) u",
            {"tenants": max(tenants), "users": USERS},
        )
        with indexes_taken(connection, ("customers",), say):
            # Tenants of one size are filled together.
            for size in sorted(set(tenants.values())):
                alike = [tenant for tenant, rows in tenants.items() if rows == size]
                _fill(connection, min(alike), len(alike), size * len(alike), say)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return urls


def user_of(tenant: int) -> int:
    """A user of the tenant."""
    return (tenant - 1) * USERS + 1


def _fill(connection: psycopg.Connection, tenant: int, tenants: int, rows: int, say: Say) -> None:
    values = {
        "tenant": tenant,
        "tenants": tenants,
        "rows": rows,
        "users": USERS,
        "first": FIRST,
        "firsts": len(FIRST),
        "last": LAST,
        "lasts": len(LAST),
        "cities": CITIES,
        "places": len(CITIES),
        "trades": TRADES,
        "kinds": len(TRADES),
        "tags": TAGS,
    }
    for begin in range(0, rows, _PORTION):
        connection.execute(_FILL, values | {"begin": begin, "end": min(begin + _PORTION, rows)})
        if begin == 0:
            # PostgreSQL plans the checks of foreign keys once a connection, and knows nothing yet of a table that was
            # empty: one index is as good as the other then, also one that has a tenant's every row read for each tag.
            connection.execute("ANALYZE customers, customer_tags, industries, user_refs")
        if begin % 200_000 == 0:
            say(f"{begin:,} of {rows:,} customers")


@contextmanager
def indexes_taken(connection: psycopg.Connection, tables: Sequence[str], say: Say) -> Iterator[None]:
    """Drop the indexes of tables that no constraint needs, and make them again at the end: it is much quicker than
    keeping them through a million inserts.
    """
    rows = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY (%s::regclass[]) AND NOT EXISTS"
        " (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
        (list(tables),),
    ).fetchall()
    for name, _ in rows:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for number, (_, definition) in enumerate(rows, 1):
        say(f"index {number} of {len(rows)}")
        connection.execute(sql.SQL(definition))  # PostgreSQL's own words.
