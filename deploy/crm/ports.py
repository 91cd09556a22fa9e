"""Free TCP ports on loopback."""

import random
import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"
# Below the kernel's range for outgoing connections, so that no client can sit on a port that is remembered.
_LOWEST, _HIGHEST = 20000, 32000
_chance = random.SystemRandom()


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now; a port in TIME_WAIT counts as free, as it does for servers."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    """A port that is free now and not among `taken`; chosen at random, so that two runners rarely meet."""
    while True:
        port = _chance.randrange(_LOWEST, _HIGHEST)
        if port not in taken and is_free(port):
            return port


def answers(port: int, host: str = LOOPBACK, *, timeout: float = 0.5) -> bool:
    """Whether something accepts connections on `port`."""
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False
