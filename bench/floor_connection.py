"""What the floors have in common: a connection for each thread, and JSON as PostgreSQL sent it."""

import os
import threading

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from chassis.db.session import OPTIONS

RECORD = (
    "INSERT INTO floor_outbox (event_id, company_id, aggregate_type, aggregate_id, aggregate_version, type,"
    " routing_key, correlation_id, body, occurred_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_local = threading.local()


class _Raw(Loader):
    """JSON as the bytes that PostgreSQL sent."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def connect() -> psycopg.Connection:
    connection: psycopg.Connection | None = getattr(_local, "connection", None)
    if connection is None:
        connection = psycopg.connect(os.environ["FLOOR_DATABASE_URL"], autocommit=True, options=OPTIONS)
        connection.adapters.register_loader("json", _Raw)
        _local.connection = connection
    return connection


def fetch(statement: str, parameters: tuple[object, ...]) -> bytes:
    row = connect().execute(statement, parameters, prepare=True).fetchone()
    assert row is not None
    document: bytes = row[0]
    return document
