"""Who is acting, for which tenant, in which chain of causes: carried in a context variable, never in arguments."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of one request or one message.

    `company_id` is the tenant and None only where no tenant exists yet (registering, signing in). `user_id` is None
    where a machine acts. `own_only` confines queries to records that are assigned to the actor or created by them.
    `request_id` doubles as the correlation id of every event that follows from it. `operation` names the record of what
    is done to many at once, such as `imports/42`, so that who listens to their events can tell.
    """

    company_id: int | None = None
    user_id: int | None = None
    permissions: frozenset[str] = frozenset()
    own_only: bool = False
    session_id: str | None = None
    request_id: str = "-"
    causation_id: str | None = None
    client_ip: str | None = None
    user_agent: str | None = None
    traceparent: str | None = None
    operation: str | None = None


NOBODY = Context()
_current: ContextVar[Context] = ContextVar("chassis_context", default=NOBODY)


def current() -> Context:
    """The context of the request or message being worked on; `NOBODY` outside of one."""
    return _current.get()


@contextmanager
def acting_as(context: Context) -> Iterator[Context]:
    """Work inside `context`, and return to the surrounding one afterwards whatever happens."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def tenant() -> int:
    """The tenant being worked for. Raises LookupError without one, so that nothing can forget to set it."""
    company_id = _current.get().company_id
    if company_id is None:
        raise LookupError("no tenant in the context")
    return company_id
