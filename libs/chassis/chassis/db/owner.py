"""The database as the owner of its tables, for operators' commands: no other role sees which tenants there are."""

from collections.abc import Iterator
from contextlib import contextmanager

from chassis.config import Settings, SettingsError, exit_with
from chassis.db.session import Database


@contextmanager
def owner_database(service: str) -> Iterator[Database]:
    """The database that OWNER_DATABASE_URL names; leaves the process with EX_CONFIG when that is missing."""
    try:
        settings = Settings.from_environment(required=("owner_database_url",))
    except SettingsError as error:
        exit_with(error)
    database = Database(settings.owner_database_url, application_name=f"{service}-operators")
    try:
        yield database
    finally:
        database.dispose()
