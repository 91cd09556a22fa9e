"""What a failure of a handler or of the database calls for: waiting, trying again at once or later, or giving up."""

from enum import Enum

import psycopg
import sqlalchemy.exc

from chassis.errors import Invalid
from chassis.events import MalformedEvent

# PostgreSQL's error classes (documentation, appendix A). Connection trouble, shutdown, fail-over, full disk: the
# database's state and nobody's fault, so it is waited for however long it takes.
_UNREACHABLE = ("08", "57P", "53", "58", "25006", "25P03")
# Deadlock, serialisation, lock and statement timeouts: the same work usually succeeds a moment later.
_TRANSIENT = ("40", "55P03", "57014")


class Verdict(Enum):
    """What to do about a failure."""

    WAIT = "wait until the database answers again"
    AGAIN = "try again at once"
    LATER = "a delay queue"
    NEVER = "a dead letter"


def judge(error: BaseException) -> Verdict:
    """Decide by the error alone."""
    if isinstance(error, MalformedEvent | Invalid):
        return Verdict.NEVER
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return Verdict.WAIT
    if not isinstance(error, psycopg.Error):
        return Verdict.LATER
    state = error.sqlstate
    if state is None:
        # psycopg reports a connection that could not be made or broke without a state.
        connection = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return Verdict.WAIT if connection else Verdict.LATER
    if state.startswith(_TRANSIENT):
        return Verdict.AGAIN
    return Verdict.WAIT if state.startswith(_UNREACHABLE) else Verdict.LATER
