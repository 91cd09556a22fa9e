"""The program `web` of a stack: it builds the pages and documents whenever it starts, and serves them."""

import hashlib
import sys
from pathlib import Path

from crm import plan
from crm.environment import BASE
from crm.launch import LaunchPlan
from crm.ports import LOOPBACK
from crm.state import State
from crm.supervision import Supervised
from web.build import ROOT

# What it is made from, beside its own code.
_SOURCES = ("web", "contracts", "docs", "examples")


def url(state: State) -> str:
    """Its base URL, past the gateway."""
    return f"http://{LOOPBACK}:{state.port(plan.PAGES)}"


def apply(home: Path, state: State, *, follow_edits: bool) -> Supervised:
    """Write what it is started from."""
    folder = str(home / plan.PAGES)
    launch = LaunchPlan(
        command=[sys.executable, "-m", "web", "serve"],
        environment={**BASE, "WEB_BIND": url(state).removeprefix("http://"), "WEB_FOLDER": folder},
        scratch=folder,
    )
    launch.write(home, plan.PAGES)
    return plan.supervise_gateway(home, plan.PAGES, launch, _digest() if follow_edits else "")


def _digest() -> str:
    """Changes when something does that the pages are made from."""
    digest = hashlib.sha256()
    for folder in (ROOT / name for name in _SOURCES):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
            status = path.stat()
            digest.update(f"{path}{status.st_mtime_ns}{status.st_size}".encode())
    return digest.hexdigest()
