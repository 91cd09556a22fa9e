"""Alembic's entry point; the chassis does the work."""

from chassis.db import migrations
from sample.models import metadata

migrations.run(metadata)
