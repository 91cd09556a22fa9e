"""/livez and /readyz: whether to restart this process, and whether to send it requests. No detail for anybody."""

from pathlib import Path

import psycopg
import structlog
from flask import Flask, Response
from sqlalchemy import Column, MetaData, String, Table, select

from chassis.db import revisions
from chassis.db.session import Database
from chassis.db.statements import Prepared
from chassis.web.auth import public
from chassis.web.draining import is_draining

_VERSION = Prepared(select(Table("alembic_version", MetaData(), Column("version_num", String)).c.version_num))

log = structlog.get_logger()


def register(app: Flask, database: Database, folder: Path) -> None:
    """Add both endpoints. Ready means: the process is not about to end, and the database answers and its migrations are
    those of this code, or newer.

    RabbitMQ does not count: while it is away, changes gather in the outbox and the API goes on.
    """
    expected = revisions.newest(folder)

    @public
    def livez() -> Response:
        return Response(b'{"status":"pass"}', content_type="application/json")

    @public
    def readyz() -> Response:
        if is_draining():
            return _fail()
        try:
            revision = database.read(_VERSION, {})[0][0]
        except (psycopg.Error, IndexError) as error:
            log.warning("not_ready", error=str(error))
            return _fail()
        if revision < expected:
            log.warning("not_ready", revision=revision, expected=expected)
            return _fail()
        return Response(b'{"status":"pass"}', content_type="application/json")

    app.add_url_rule("/livez", view_func=livez)
    app.add_url_rule("/readyz", view_func=readyz)


def _fail() -> Response:
    return Response(b'{"status":"fail"}', 503, {"Retry-After": "2"}, content_type="application/json")
