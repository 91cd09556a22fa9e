"""Alembic's entry point; the chassis does the work."""

from audit.models import metadata
from chassis.db import migrations

migrations.run(metadata)
