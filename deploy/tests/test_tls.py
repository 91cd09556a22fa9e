"""TLS to PostgreSQL: it has to prove who it is, by the authority that the settings name."""

import os
import shutil
import subprocess
import sys

import psycopg
import pytest

from chassis.db.session import Database
from chassis.testing.certificates import make_certificate
from crm import databases
from crm.environment import roles
from crm.sandbox import running

SERVICE = "audit"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that has signed neither server's certificate."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "stranger.pem")


@pytest.fixture(scope="module")
def postgres(certificate):
    """A PostgreSQL that speaks TLS, with the database of a service."""
    with running(broker=False) as sandbox:
        server = sandbox.postgres()
        place = server.data / "server.pem"
        shutil.copyfile(certificate, place)
        place.chmod(0o600)
        if server.account:
            os.chown(place, server.account.pw_uid, server.account.pw_gid)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            for setting in ("ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.pem'", "ssl = on"):
                connection.execute(f"ALTER SYSTEM SET {setting}")
        server.stop()
        server.start()
        server.wait_ready()
        databases.ensure(server.url, SERVICE, dict.fromkeys(roles(SERVICE), "a password"))
        yield server


@pytest.fixture
def url_of(postgres):
    def url(role, authority, host="localhost"):
        name = f"{SERVICE}_{role}:a%20password@{host}:{postgres.port}/{SERVICE}"
        return f"postgresql://{name}?sslmode=verify-full&sslrootcert={authority}"

    return url


def test_a_service_migrates_and_works_over_tls_alone(url_of, certificate):
    told = {
        **os.environ,
        "DATABASE_URL": url_of("app", certificate),
        "OWNER_DATABASE_URL": url_of("owner", certificate),
    }
    command = [sys.executable, "-m", "chassis", "migrate", SERVICE]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    database = Database(url_of("app", certificate))
    try:
        with database.transaction() as session:
            query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            assert session.writer.open_connection().execute(query).fetchone() == (True,)
        database.ping()  # By the connection for reads.
    finally:
        database.dispose()


def test_a_postgres_that_does_not_prove_who_it_is_gets_no_password(url_of, certificate, stranger):
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(url_of("app", stranger))
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        psycopg.connect(url_of("app", certificate, host="127.0.0.1"))
