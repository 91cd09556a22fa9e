"""The machine and the versions that figures belong to: without them a figure says nothing."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

_PACKAGES = ("Flask", "gunicorn", "SQLAlchemy", "psycopg")


def describe(postgres_url: str, broker_version: str | None = None) -> Mapping[str, str]:
    """Names and values, in the order of the report."""
    with psycopg.connect(postgres_url) as connection:
        settings = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            for name in ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        }
    values = {name: str(row[0]) for name, row in settings.items() if row}
    model = _find("/proc/cpuinfo", r"model name\s*: (.+)") or platform.machine()
    memory = int(_find("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) / 1024**2
    facts = {
        "CPU": f"{model}, {os.cpu_count()} cores",
        "Memory": f"{memory:.0f} GiB",
        "Kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()}, "
        + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES),
        "PostgreSQL": f"{values['server_version']}, fsync {values['fsync']}, synchronous_commit"
        f" {values['synchronous_commit']}, shared_buffers {values['shared_buffers']}",
        "HAProxy": _version("haproxy", "-v") or "?",
    }
    return facts | ({"RabbitMQ": broker_version} if broker_version else {})


def _find(path: str, pattern: str) -> str | None:
    try:
        found = re.search(pattern, Path(path).read_text())
    except OSError:
        return None
    return found[1] if found else None


def _version(program: str, option: str) -> str | None:
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        return None
    first = subprocess.run([path, option], capture_output=True, text=True, check=False).stdout.partition("\n")[0]
    found = re.search(r"\d+\.\d+\S*", first)
    return found[0] if found else None
