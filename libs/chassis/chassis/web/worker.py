"""gunicorn's threaded worker, which takes no connection along when it ends."""

import select

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types.
    """It refuses connections while its last requests end: gunicorn's own leaves them in a queue that it throws away.

    Who is refused has sent nothing yet, and goes elsewhere.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take connections or not; of a worker that ends, those that wait are the last."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                while select.select([listener], [], [], 0)[0]:
                    self.accept(listener)
                listener.close()
