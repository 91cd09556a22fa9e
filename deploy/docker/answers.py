"""A container's health check, `python3 -IS answers <port> <path>`: one request, and no module that is slow to load."""

import socket
import sys

SECONDS = 4.0


def main(port: str, path: str) -> None:
    """Leave with 0 when the address answers 200, else with 1 and what it said."""
    with socket.create_connection(("127.0.0.1", int(port)), SECONDS) as connection:
        connection.settimeout(SECONDS)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(4096):
            answer += part
    if answer.split(b" ", 2)[1:2] != [b"200"]:
        raise SystemExit(answer.decode(errors="replace"))


if __name__ == "__main__":
    main(*sys.argv[1:])
