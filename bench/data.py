"""The data that is measured on: 100 tenants, 200,000 customers, made the same in every run."""

import json
import random
import re
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg.sql import SQL, Identifier

from customers import rules

TENANTS = 100
CUSTOMERS = 200_000
USERS_PER_TENANT = 5

_FIRST = ("Ada", "Boris", "Chen", "Dalia", "Emeka", "Fatima", "Göran", "Hana", "Iñigo", "Jutta", "Kofi", "Lena")
_LAST = ("Adler", "Bianchi", "Costa", "Dubois", "Eriksen", "Ferrari", "García", "Haddad", "Ivanova", "Jansen", "Okafor")
_CITIES = (
    ("Berlin", "Berlin", "Germany", "10115"),
    ("Lyon", "Auvergne-Rhône-Alpes", "France", "69001"),
    ("Porto", "Norte", "Portugal", "4000-008"),
    ("Austin", "Texas", "United States", "78701"),
    ("Osaka", "Kansai", "Japan", "530-0001"),
)
_NOTES = (
    "Asked for an offer for the coming year; prefers to be called in the morning. Decides together with purchasing."
)
_COLUMNS = (
    "company_id",
    "customer_code",
    "name",
    "email",
    "phone",
    "address",
    "city",
    "state",
    "country",
    "zip_code",
    "customer_type",
    "industry",
    "company_name",
    "website",
    "status",
    "source",
    "priority",
    "credit_limit",
    "notes",
    "tags",
    "created_by",
    "assigned_to",
    "created_at",
    "updated_at",
)


def load(url: str, *, customers: int = CUSTOMERS) -> None:
    """Fill the empty customers database at `url`, of a superuser, and analyse it."""
    chance = random.Random(1)
    start = datetime.now(UTC) - timedelta(days=365)
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO user_refs (company_id, user_id, version, name, email)"
            " SELECT c, (c - 1) * %(users)s + u, 1, 'User ' || u, 'user' || u || '@tenant' || c || '.example'"
            " FROM generate_series(1, %(tenants)s) c, generate_series(1, %(users)s) u",
            {"tenants": TENANTS, "users": USERS_PER_TENANT},
        )
        connection.execute(
            "INSERT INTO customer_codes SELECT c, %s FROM generate_series(1, %s) c", (customers // TENANTS + 1, TENANTS)
        )
        copy = f"COPY customers ({', '.join(_COLUMNS)}) FROM STDIN"
        with connection.cursor().copy(copy) as target:
            for number in range(customers):
                # Tenants take turns, so that a tenant's rows lie all over the table as they do in life.
                created = start + timedelta(days=364 * number / customers)
                target.write_row(_row(chance, number % TENANTS + 1, number // TENANTS + 1, created))
        make_floor_outbox(connection)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def make_floor_outbox(connection: psycopg.Connection) -> None:
    """An outbox with the columns, the indexes, the trigger and so the costs of ours, of which no relay publishes."""
    for name in ("outbox", "outbox_pending"):
        copy = SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)")
        connection.execute(copy.format(Identifier(f"floor_{name}"), Identifier(name)))
    found = connection.execute("SELECT pg_get_functiondef('outbox_recorded'::regproc)").fetchone()
    assert found is not None
    connection.execute(re.sub(r"\boutbox_(recorded|pending)\b", r"floor_outbox_\1", found[0]))
    connection.execute(
        "CREATE TRIGGER recorded AFTER INSERT ON floor_outbox REFERENCING NEW TABLE AS recorded"
        " FOR EACH STATEMENT EXECUTE FUNCTION floor_outbox_recorded()"
    )


def user_of(company_id: int) -> int:
    """A user of the company."""
    return (company_id - 1) * USERS_PER_TENANT + 1


def _row(chance: random.Random, company_id: int, number: int, created: datetime) -> tuple[object, ...]:
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    city, state, country, zip_code = chance.choice(_CITIES)
    business = chance.random() < 0.4
    domain = f"{last.lower().encode('ascii', 'ignore').decode()}{number}.example"
    return (
        company_id,
        f"C-{number:06}",
        f"{first} {last}",
        f"{first.lower().encode('ascii', 'ignore').decode()}@{domain}",
        f"+49 30 {number:07}",
        f"{chance.randint(1, 200)} Station Road",
        city,
        state,
        country,
        zip_code,
        "business" if business else "individual",
        chance.choice(rules.INDUSTRIES),
        f"{last} & Partners {number}" if business else None,
        f"https://www.{domain}" if business else None,
        chance.choice(rules.STATUSES),
        chance.choice(("referral", "website", "fair", None)),
        chance.choice(rules.PRIORITIES),
        chance.randint(0, 5_000_000) / 100,
        _NOTES[: chance.randint(0, len(_NOTES))] or None,
        json.dumps(chance.sample(("vip", "newsletter", "eu", "trial", "partner"), chance.randint(0, 3))),
        user_of(company_id) + chance.randrange(USERS_PER_TENANT),
        user_of(company_id) + chance.randrange(USERS_PER_TENANT),
        created,
        created,
    )
