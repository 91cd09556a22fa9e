"""Places of a process: however many requests of one tenant come, threads are left to the others."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

from chassis.errors import TooManyRequests


class Places:
    """Counts each tenant's requests in this process and refuses those beyond `most`; None takes all.

    The gateway sees to it that a tenant's requests wait there. This is for those whose client is gone, of which the
    gateway knows no more while a thread still works on them.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._taken: Counter[int] = Counter()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def taken(self, company_id: int) -> Iterator[None]:
        """Take a place while the request is worked on. Raises TooManyRequests."""
        if self._most is None:
            yield
            return
        with self._lock:
            if self._taken[company_id] >= self._most:
                detail = "Too many requests at once; wait until some are answered."
                raise TooManyRequests("too_many_at_once", detail, headers={"Retry-After": "1"})
            self._taken[company_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[company_id] -= 1
                if not self._taken[company_id]:
                    del self._taken[company_id]
