"""Alembic's entry point; the chassis does the work."""

from chassis.db import migrations
from identity.models import metadata

migrations.run(metadata)
