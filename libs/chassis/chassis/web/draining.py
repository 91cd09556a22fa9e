"""Draining: a web process that is told to end goes on answering until nobody sends it requests any more.

Meanwhile `/readyz` answers 503 and each connection is closed with its next answer, which says so. A gateway has noticed
by the time when the process ends, and does not meet a connection that is closed just as it is used. gunicorn's arbiter
begins it, and its workers see it: the mark is in memory that they share.
"""

import mmap
import os
import time
from collections.abc import Callable

SECONDS = float(os.environ.get("WEB_DRAIN_SECONDS") or 0)

# Made before the fork.
_MARK = mmap.mmap(-1, 1)


def is_draining() -> bool:
    """Whether this process is about to end."""
    return _MARK[0] == 1


def drain_before(end: Callable[[], None]) -> Callable[[], None]:
    """What drains for WEB_DRAIN_SECONDS and then does what ends the process."""

    def drain() -> None:
        _MARK[0] = 1
        time.sleep(SECONDS)
        end()

    return drain
