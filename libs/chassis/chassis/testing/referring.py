"""A sample of a service that keeps references and sends letters: its tables, closed like any service's."""

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg
from alembic.migration import MigrationContext
from alembic.operations import Operations
from psycopg import sql
from sqlalchemy import BigInteger, Column, Numeric, String, create_engine
from sqlalchemy.engine import make_url

from chassis.db.migrations import protect, protect_mails
from chassis.db.session import Database
from chassis.db.tables import new_metadata, tenant_table, timestamp
from chassis.mail import Mails, mails_table
from chassis.references import CompanyReference, Reference, UserReference, tombstones_table

SERVICE = "referring"

metadata = new_metadata()
tombstones = tombstones_table(metadata)
COMPANY = CompanyReference(metadata, Column("region", String(2)))
USERS = UserReference(metadata)
CUSTOMERS = Reference(
    "customer",
    metadata,
    Column("name", String(255)),
    Column("credit_limit", Numeric(15, 2)),
    timestamp("archived_at"),
    owner="customers",
    tombstones=tombstones,
    local=(Column("remark", String(50)),),
)
REFERENCES = (COMPANY, USERS, CUSTOMERS)
notes = tenant_table(
    "notes",
    metadata,
    Column("customer_id", BigInteger),
    Column("assigned_to", BigInteger),
    CUSTOMERS.foreign_key("customer_id", ondelete="CASCADE"),
    USERS.foreign_key("assigned_to", ondelete="SET NULL"),
)
MAILS = Mails(mails_table(metadata))


@dataclass(frozen=True)
class Referring:
    """The sample's database, as its application, as its owner, and where a superuser finds it."""

    app: Database
    owner: Database
    superuser_url: str


@contextmanager
def referring(postgres_url: str) -> Iterator[Referring]:
    """Make the database, and drop it at the end."""
    name = f"{SERVICE}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{secrets.token_hex(3)}"
    with closing(psycopg.connect(postgres_url, autocommit=True)) as server:
        # Workers share the server's roles; the lock keeps two from creating one at a time.
        server.execute("SELECT pg_advisory_lock(1)")
        for role in ("owner", "app"):
            identifier = sql.Identifier(f"{SERVICE}_{role}")
            found = server.execute("SELECT FROM pg_roles WHERE rolname = %s", (f"{SERVICE}_{role}",)).fetchone()
            if found is None:
                server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(identifier, sql.Literal(SERVICE)))
        owner = sql.Identifier(f"{SERVICE}_owner")
        server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), owner))
        server.execute("SELECT pg_advisory_unlock(1)")
        base = make_url(postgres_url).set(database=name)
        urls = {
            role: base.set(username=f"{SERVICE}_{role}", password=SERVICE).render_as_string(hide_password=False)
            for role in ("owner", "app")
        }
        superuser_url = base.render_as_string(hide_password=False)
        try:
            _create(superuser_url)
            databases = Referring(Database(urls["app"]), Database(urls["owner"]), superuser_url)
            yield databases
            databases.app.dispose()
            databases.owner.dispose()
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _create(superuser_url: str) -> None:
    engine = create_engine(make_url(superuser_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        metadata.create_all(connection)
        with Operations.context(MigrationContext.configure(connection)):
            for table in metadata.sorted_tables:
                if table.name != "mails":
                    protect(table.name, service=SERVICE)
            protect_mails(service=SERVICE)
        connection.exec_driver_sql(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {SERVICE}_owner")
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {SERVICE}_app, {SERVICE}_owner")
    engine.dispose()
