"""Migrations of a service: one deployment at a time."""

import threading
import time

import psycopg

from chassis.db import migrations
from sample.app import SERVICE


def test_of_two_deployments_the_second_waits_for_the_first_however_long_that_takes(urls, monkeypatch):
    monkeypatch.setenv("OWNER_DATABASE_URL", urls.owner)
    with psycopg.connect(urls.superuser, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", (migrations.LOCK,))
        # Longer than a migration waits for a table's lock.
        release = threading.Timer(3.3, first.execute, ("SELECT pg_advisory_unlock_all()",))
        release.start()
        began = time.monotonic()
        migrations.upgrade(SERVICE.migrations)
        release.join()
    assert time.monotonic() - began > 3
