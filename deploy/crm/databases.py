"""Databases and roles of the services, made by the superuser; running it again sets what the secrets file says."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from fractions import Fraction

import psycopg
from psycopg import sql

# Any key of ours: two runners must not create the same role at once.
_LOCK = 0x43524D
# What part of the server's connections a role may take, by its kind: whoever has one service's passwords leaves the
# other services enough to go on with. The owner's, which no process is given, is not bounded.
SHARES = {"app": Fraction(2, 5)}
_OTHER_SHARE = Fraction(1, 20)
# For one query's sorting and joining. A role may raise its working memory and lift its deadlines, but not this.
_TEMPORARY_FILES = "1GB"
# Everybody may connect to these unless told otherwise, and nobody but the administrator has anything to do there.
_SHARED = ("postgres", "template1")


def ensure(superuser_url: Callable[[str], str], service: str, passwords: Mapping[str, str]) -> None:
    """Create the database of `service` and a login role per entry of `passwords`; "owner" owns it, the rest use it.

    Roles that are there already are put back to what is said here, whatever was done with their passwords meanwhile,
    and where the password was another one until now, what was opened with it is closed.
    """
    owner = sql.Identifier(f"{service}_owner")
    database = sql.Identifier(service)
    others = [sql.Identifier(f"{service}_{role}") for role in passwords if role != "owner"]
    with psycopg.connect(superuser_url("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        for shared in _SHARED:
            statement = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC")
            connection.execute(statement.format(sql.Identifier(shared)))
        most = _connections(connection)
        for role, password in passwords.items():
            name = f"{service}_{role}"
            known = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (name,)).fetchone()
            statement = sql.SQL(
                "{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE CONNECTION LIMIT {} PASSWORD {}"
            )
            verb = sql.SQL("CREATE" if known is None else "ALTER")
            limit = sql.Literal(-1 if role == "owner" else int(most * SHARES.get(role, _OTHER_SHARE)))
            connection.execute(statement.format(verb, sql.Identifier(name), limit, sql.Literal(password)))
            if known is not None and not _verifies(known[0], password):
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (service,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        for each in (owner, *others):
            # A role may change its own settings for all its sessions to come.
            connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(each))
            connection.execute(sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(each, database))
        for other in others:
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, other))
            connection.execute(
                sql.SQL("ALTER ROLE {} SET temp_file_limit = {}").format(other, sql.Literal(_TEMPORARY_FILES))
            )
    with psycopg.connect(superuser_url(service), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for other in others:
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(other))


def _connections(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT current_setting('max_connections')::int").fetchone()
    assert row is not None
    return int(row[0])


def _verifies(verifier: str | None, password: str) -> bool:
    """Whether what PostgreSQL keeps of a password is of this one (RFC 5802)."""
    if verifier is None or not verifier.startswith("SCRAM-SHA-256$"):
        return False
    _, parameters, keys = verifier.split("$")
    iterations, salt = parameters.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return hmac.compare_digest(stored, base64.b64decode(keys.split(":")[0]))
