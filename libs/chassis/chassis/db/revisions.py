"""Which revision a service's code expects, read without Alembic, which a web process would load for nothing else."""

import time
from pathlib import Path

import psycopg

_PAUSE_SECONDS = 1.0


def newest(folder: Path) -> str:
    """The newest revision among the migrations in `folder`, whose files are named `<revision>_<what it does>.py`."""
    return max(file.name.partition("_")[0] for file in folder.glob("versions/[0-9]*_*.py"))


def wait_for(url: str, folder: Path, *, pause: float = _PAUSE_SECONDS) -> str:
    """Answer the database's revision as soon as it is the newest in `folder`, or one newer; wait however long."""
    expected = newest(folder)
    while (revision := _current(url)) is None or revision < expected:
        time.sleep(pause)
    return revision


def _current(url: str) -> str | None:
    """The revision of a database; None while it does not answer, or was never migrated."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.Error:
        return None
    return None if row is None else str(row[0])
