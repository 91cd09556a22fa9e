"""Alembic's entry: everything is in the chassis."""

from chassis.db.migrations import run
from identity.models import metadata

run(metadata)
