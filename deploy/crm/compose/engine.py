"""A Docker engine for tests: the one that answers, or one of its own that leaves the machine's network as it was."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from crm import modes
from crm.compose.file import ROOT
from crm.errors import OperatorError

# Images stay here between two runs; delete it to begin from nothing.
CACHE = ROOT / ".local-docker"
OFFICIAL = {"postgres:17": "postgres", "rabbitmq:4-management": "rabbitmq", "haproxy:3.2": "haproxy"}
BASES = {"debian:bookworm-slim": "bookworm", "debian:trixie-slim": "trixie"}
_STAND_INS = ROOT / "deploy" / "docker" / "standins"
_ARCHIVE = "http://deb.debian.org/debian"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_TABLES = ("filter", "nat", "mangle", "raw")
_SECONDS = 60.0


@contextlib.contextmanager
def engine() -> Iterator[None]:
    """Have an engine answer to `docker` meanwhile."""
    if modes.engine_answers():
        yield
        return
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        raise OperatorError("no Docker engine answers, and only root can start one")
    with _network_left_as_it_was(), tempfile.TemporaryDirectory(prefix="crm-docker-") as scratch:
        socket = f"unix://{scratch}/docker.sock"
        folders = ("--data-root", str(CACHE), "--exec-root", f"{scratch}/exec", "--pidfile", f"{scratch}/pid")
        with (CACHE.parent / ".local-docker.log").open("w") as log:
            command = ["dockerd", *folders, "--host", socket]
            daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        before = os.environ.get("DOCKER_HOST")
        os.environ["DOCKER_HOST"] = socket
        try:
            _wait_for(daemon)
            yield
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(_SECONDS)
            os.environ.pop("DOCKER_HOST")
            if before is not None:
                os.environ["DOCKER_HOST"] = before


def provide_images() -> list[str]:
    """Have every image that is not ours; return those that could not be pulled, and were made of Debian's packages."""
    made = [image for image in OFFICIAL if not (_is_there(image) or _pulled(image))]
    for base, release in BASES.items():
        needed = release == "bookworm" or made
        if needed and not (_is_there(base) or _pulled(base)):
            _bootstrap(base, release)
            made.append(base)
    build = [*modes.builder(), "--quiet"]
    for image in made:
        if image in OFFICIAL:
            _run([*build, "--tag", image, str(_STAND_INS / OFFICIAL[image])])
    return made


def _wait_for(daemon: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _SECONDS
    while not modes.engine_answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise OperatorError("dockerd did not start; see .local-docker.log")
        time.sleep(0.2)


def _is_there(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def _pulled(image: str) -> bool:
    return subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, check=False).returncode == 0


def _bootstrap(image: str, release: str) -> None:
    """Make a Debian from nothing but its packages."""
    with tempfile.TemporaryDirectory(prefix="crm-debian-", dir="/var/tmp") as folder:  # Too large for /tmp.
        _run(["debootstrap", "--variant=minbase", release, folder, _ARCHIVE])
        with subprocess.Popen(["tar", "--directory", folder, "--create", "."], stdout=subprocess.PIPE) as packed:
            subprocess.run(["docker", "import", "-", image], stdin=packed.stdout, capture_output=True, check=True)


@contextlib.contextmanager
def _network_left_as_it_was() -> Iterator[None]:
    """Undo what an engine does to the machine: forwarding, rules of the packet filter, bridges."""
    forwarding = _FORWARDING.read_text()
    rules = {tool: _run([f"{tool}-save"]) for tool in ("iptables", "ip6tables")}
    bridges = _bridges()
    try:
        yield
    finally:
        for bridge in _bridges() - bridges:
            _run(["ip", "link", "delete", bridge])
        for tool, text in rules.items():
            # What is not named in what was saved would stay. A kernel need not have every table.
            commands = [["--table", table, what] for table in _TABLES for what in ("--flush", "--delete-chain")]
            commands += [["--policy", chain, "ACCEPT"] for chain in ("INPUT", "FORWARD", "OUTPUT")]
            for command in commands:
                subprocess.run([tool, *command], capture_output=True, check=False)
            _run([f"{tool}-restore"], text)
        _FORWARDING.write_text(forwarding)


def _bridges() -> set[str]:
    return {path.parent.name for path in Path("/sys/class/net").glob("*/bridge")}


def _run(command: Sequence[str], text: str | None = None) -> str:
    done = subprocess.run(
        command, input=text, env={**os.environ, "DOCKER_BUILDKIT": "1"}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise OperatorError(f"`{' '.join(command)}` failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
