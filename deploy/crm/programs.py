"""Where the servers' binaries are, and the line that installs what is missing; standard library only, as is stage 0."""

import importlib.util
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crm.errors import OperatorError

OLDEST_POSTGRES = 15
POSTGRES_ROOT = Path("/usr/lib/postgresql")
RABBITMQ_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# A user's PATH often lacks the folders where Debian keeps daemons.
SYSTEM_PATH = os.pathsep.join(
    ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/opt/haproxy/sbin")
)


@dataclass(frozen=True)
class Package:
    """A package of the distribution and what it is needed for."""

    name: str
    purpose: str


VENV = Package("python3-venv", "virtual environments")
POSTGRES = Package("postgresql", f"PostgreSQL {OLDEST_POSTGRES} or newer")
RABBITMQ = Package("rabbitmq-server", "RabbitMQ")
HAPROXY = Package("haproxy", "the gateway")
PGBACKREST = Package("pgbackrest", "archives for any instant")
DOCKER = Package("docker.io", "a Docker engine")
IPTABLES = Package("iptables", "its networks")
DEBOOTSTRAP = Package("debootstrap", "stand-ins for images that cannot be pulled")
WRK = Package("wrk", "load for the benchmark")
PROMETHEUS = Package("prometheus", "the tests of its rules")
SERVERS = (POSTGRES, RABBITMQ, HAPROXY)
# What a package is there for; of Docker a machine may have the client alone.
_PROGRAMS = {
    HAPROXY: ("haproxy",),
    PGBACKREST: ("pgbackrest",),
    DOCKER: ("docker", "dockerd"),
    IPTABLES: ("iptables",),
    DEBOOTSTRAP: ("debootstrap",),
    WRK: ("wrk",),
    PROMETHEUS: ("promtool",),
}


def postgres_folder(root: Path = POSTGRES_ROOT) -> Path | None:
    """The folder with the newest PostgreSQL server binaries, or None when there is none that is new enough."""
    found: list[tuple[int, Path]] = []
    for binary in root.glob("*/bin/postgres"):
        version = binary.parent.parent.name
        if version.isdigit() and int(version) >= OLDEST_POSTGRES and (binary.parent / "initdb").exists():
            found.append((int(version), binary.parent))
    return max(found)[1] if found else None


def rabbitmq_binary() -> Path | None:
    # Debian's wrapper on PATH insists on root or the rabbitmq user, so the script that it wraps comes first.
    if RABBITMQ_SERVER.exists():
        return RABBITMQ_SERVER
    found = shutil.which("rabbitmq-server")
    return Path(found) if found else None


def system_binary(name: str) -> Path | None:
    found = shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)
    return Path(found) if found else None


def missing_packages(wanted: Iterable[Package]) -> list[Package]:
    """Those of the packages whose programs are not there, in the order given."""
    return [package for package in wanted if not _is_there(package)]


def _is_there(package: Package) -> bool:
    if package is VENV:
        return importlib.util.find_spec("ensurepip") is not None
    if package is POSTGRES:
        return postgres_folder() is not None
    if package is RABBITMQ:
        return rabbitmq_binary() is not None
    return all(system_binary(name) is not None for name in _PROGRAMS[package])


def install_line(packages: Iterable[Package], *, root: bool | None = None) -> str:
    """The one line that installs `packages`; with sudo unless the caller is root already."""
    as_root = os.geteuid() == 0 if root is None else root
    names = " ".join(package.name for package in packages)
    return f"{'' if as_root else 'sudo '}apt-get install -y --no-install-recommends {names}"


def require(found: Path | None, package: Package) -> Path:
    """Return `found`, or raise OperatorError with the line that installs `package`."""
    if found is None:
        raise OperatorError(f"{package.purpose} is not installed. Install it with: {install_line([package])}")
    return found
