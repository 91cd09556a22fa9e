"""Which revision a service's code expects, read without Alembic, which a web process would load for nothing else."""

from pathlib import Path


def newest(folder: Path) -> str:
    """The newest revision among the migrations in `folder`, whose files are named `<revision>_<what it does>.py`."""
    return max(file.name.partition("_")[0] for file in folder.glob("versions/[0-9]*_*.py"))
