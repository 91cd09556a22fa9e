"""gunicorn's threaded worker, which keeps a busy connection in its thread and takes none along when it ends."""

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

# The gateway has the next request of its queue on the connection within a few tenths of a millisecond.
_NEXT_MILLISECONDS = 5


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types.
    """It refuses connections while its last requests end: gunicorn's own leaves them in a queue that it throws away.

    Who is refused has sent nothing yet, and goes elsewhere. And it answers what follows at once on a connection in the
    same thread: gunicorn's own gives the connection back to its main thread after each request, and each of these
    hand-overs waits for the interpreter's lock twice (ADR 0043).
    """

    def handle(self, conn: Any) -> Any:
        """Answer the requests of a connection for as long as the next one comes at once and nobody waits."""
        kept = super().handle(conn)
        while kept is True and self.alive and self._goes_on(conn):
            kept = super().handle(conn)
        return kept

    def _goes_on(self, conn: Any) -> bool:
        """Whether the next request is there; not where another connection waits for a thread."""
        if self.tpool._work_queue.qsize():  # noqa: SLF001  # The pool has no other way to say how many wait.
            return False
        if conn.parser.unreader.buf.getvalue():
            return True
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(_NEXT_MILLISECONDS))

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take connections or not; of a worker that ends, those that wait are the last."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                while select.select([listener], [], [], 0)[0]:
                    self.accept(listener)
                listener.close()
