"""The files that HAProxy's maps begin with at a start or reload, so that it knows at once what was known before."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

USERS = "users.map"
SESSIONS = "sessions.map"
COMPANIES = "companies.map"
SYNCED = "synced.map"
# What the running process has verified; the file stays empty.
VERIFIED = "verified.map"
NAMES = (USERS, SESSIONS, COMPANIES, SYNCED, VERIFIED)

_PRIVATE = 0o600


def ensure(folder: Path) -> None:
    """Make those files of `folder` that are not there, empty: HAProxy does not start without them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in NAMES:
        if not (folder / name).exists():
            write(folder, name, {})


def tidy(folder: Path) -> None:
    """Delete what a process left behind that died while it wrote."""
    for scratch in folder.glob("*.map.*.new"):
        scratch.unlink(missing_ok=True)


def write(folder: Path, name: str, entries: Mapping[str, int]) -> None:
    """Replace a file in one step: a HAProxy that starts meanwhile reads the old entries or the new, never half."""
    scratch = folder / f"{name}.{os.getpid()}.new"
    while True:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{key} {value}\n" for key, value in entries.items())
            file.flush()
            os.fsync(descriptor)
        # An agent that starts just now may take it for what a dead process left, and tidy it away.
        with contextlib.suppress(FileNotFoundError):
            scratch.rename(folder / name)
            return
