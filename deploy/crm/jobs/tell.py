"""`python -m crm.jobs.tell COMMAND…`: has the gateway's HAProxy run commands, and prints what it says."""

import socket
import sys
from pathlib import Path

from crm.jobs.places import GATEWAY


def tell(commands: list[str], admin_socket: Path = GATEWAY / "admin.sock") -> str:
    """What HAProxy answers to commands of its runtime API."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10.0)
        connection.connect(str(admin_socket))
        connection.sendall(";".join(commands).encode() + b"\n")
        said = b""
        while part := connection.recv(65536):
            said += part
    return said.decode(errors="replace")


if __name__ == "__main__":
    print(tell(sys.argv[1:]))
