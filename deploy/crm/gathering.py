"""supervisor's RPC interface, and a rest for supervisord between two readings of the programs' logs.

supervisord is woken by each line that a program writes, and looks at every descriptor it has: at some hundred requests
a second that is a twelfth of a small machine. After a rest it reads what has gathered in one go. A pipe holds 64 KiB,
so a program may write 3 MB/s before it has to wait for a rest to end.
"""

import time
from collections.abc import Callable, Container
from typing import Any

from supervisor.rpcinterface import make_main_rpcinterface

REST_SECONDS = 0.02

Ready = tuple[list[int], list[int]]
Poll = Callable[[float], Ready]


def make_rpcinterface(supervisord: Any, **settings: str) -> Any:
    """What supervisord loads by name: its own interface; `supervisord` rests from now on."""
    poller = supervisord.options.poller
    poller.poll = resting(poller.poll, supervisord.options.get_socket_map())
    return make_main_rpcinterface(supervisord, **settings)


def resting(poll: Poll, sockets: Container[int]) -> Poll:
    """Rest before a poll where the last one told of logs alone; who asks over one of the `sockets` need not wait."""
    rests = False

    def poll_rested(timeout: float) -> Ready:
        nonlocal rests
        if rests:
            time.sleep(REST_SECONDS)
        readable, writable = poll(timeout)
        rests = bool(readable) and not any(descriptor in sockets for descriptor in readable + writable)
        return readable, writable

    return poll_rested
