"""The service's metadata."""

from chassis.db.tables import chassis_tables, new_metadata

metadata = new_metadata()
chassis_tables(metadata)
