"""Which way a stack runs: as containers of a Docker engine or as programs of this machine; standard library only."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from crm.errors import OperatorError

AUTO, COMPOSE, NATIVE = "auto", "compose", "native"
MODES = (AUTO, COMPOSE, NATIVE)
# What a home keeps tells which mode made it.
KEPT_BY_COMPOSE = "compose.json"
KEPT_BY_NATIVE = "state.json"
_SECONDS = 20.0


def kept(home: Path) -> str | None:
    """The mode of the stack that is in `home`, None where there is none."""
    if (home / KEPT_BY_COMPOSE).exists():
        return COMPOSE
    return NATIVE if (home / KEPT_BY_NATIVE).exists() else None


def chosen(home: Path, wanted: str) -> str:
    """The mode of a command on `home`. Raises OperatorError for none, and where a stack of the other mode is there."""
    if wanted not in MODES:
        raise OperatorError(f"{wanted} is no mode; there are {', '.join(MODES)}")
    there = kept(home)
    if there and wanted not in (AUTO, there):
        raise OperatorError(
            f"the stack in {home} is of mode {there}. Delete it with `make destroy`, or take another home: CRM_HOME=…"
        )
    if wanted == AUTO:
        return there or (COMPOSE if engine_answers() and compose_command() else NATIVE)
    return wanted


def engine_answers() -> bool:
    return shutil.which("docker") is not None and _succeeds(["docker", "version"])


def compose_command() -> list[str] | None:
    """What runs Docker Compose 2 or later, Docker's plugin or the program of that name; None where neither is there."""
    beside = Path(sys.prefix) / "bin" / "docker-compose"
    for command in (["docker", "compose"], [str(beside)], ["docker-compose"]):
        # The first version, a Python program, has no `--format` here.
        if shutil.which(command[0]) and _succeeds([*command, "version", "--format", "json"]):
            return command
    return None


def builder() -> list[str]:
    """What builds images with BuildKit: Docker of 23 or later with its plugin buildx, or an older one by itself."""
    found = [path for path in (shutil.which("docker"), "/usr/bin/docker") if path and os.access(path, os.X_OK)]
    for docker in found:
        if _succeeds([docker, "buildx", "version"]) or _is_older(docker):
            return [docker, "build"]
    raise OperatorError("Docker builds no images here: install its plugin buildx (Debian: docker-buildx)")


def _is_older(docker: str) -> bool:
    said = subprocess.run([docker, "--version"], capture_output=True, text=True, check=False).stdout
    words = said.replace("Docker version ", "").split(".")
    return words[0].isdigit() and int(words[0]) < 23  # noqa: PLR2004  # From then on BuildKit is a plugin.


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
