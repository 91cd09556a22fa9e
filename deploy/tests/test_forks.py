"""What web processes share with the process that starts them: memory, and no connection."""

import contextlib
from pathlib import Path

import pytest

from crm.settings import SERVICES

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.usefixtures("whole_again")]


def connected_to(pid, port):
    """How many connections to a port of this machine a process has open."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            inodes.add(str(entry.readlink()).removeprefix("socket:[").removesuffix("]"))
    lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[2].endswith(f":{port:04X}") and fields[9] in inodes for fields in lines)


def test_no_connection_to_a_database_crosses_a_fork(stack):
    for service in SERVICES:
        arbiter = stack.pid(f"{service}-web-1")
        port = stack.postgres.port
        (worker,) = map(int, Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()[:1])
        assert connected_to(arbiter, port) == 0, service
        assert connected_to(worker, port) > 0, service
