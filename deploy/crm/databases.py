"""Databases and roles of the services, made by the superuser; running it again sets what the secrets file says."""

from collections.abc import Callable, Mapping

import psycopg
from psycopg import sql

# Any key of ours: two runners must not create the same role at once.
_LOCK = 0x43524D


def ensure(superuser_url: Callable[[str], str], service: str, passwords: Mapping[str, str]) -> None:
    """Create the database of `service` and a login role per entry of `passwords`; "owner" owns it, the rest use it."""
    owner = sql.Identifier(f"{service}_owner")
    database = sql.Identifier(service)
    others = [sql.Identifier(f"{service}_{role}") for role in passwords if role != "owner"]
    with psycopg.connect(superuser_url("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        for role, password in passwords.items():
            name = f"{service}_{role}"
            known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
            statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {}")
            verb = sql.SQL("CREATE" if known is None else "ALTER")
            connection.execute(statement.format(verb, sql.Identifier(name), sql.Literal(password)))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (service,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        for other in others:
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, other))
    with psycopg.connect(superuser_url(service), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for other in others:
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(other))
