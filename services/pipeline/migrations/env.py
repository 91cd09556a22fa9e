"""Alembic's entry point; the chassis does the work."""

from chassis.db import migrations
from pipeline.models import metadata

migrations.run(metadata)
