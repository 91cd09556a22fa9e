"""What a service wants to hear, and what it does about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from chassis.db.session import Session
from chassis.events import Event

Handler = Callable[[Session, Event], None]
BatchHandler = Callable[[Session, Sequence[Event]], None]


@runtime_checkable
class ManyHandler(Protocol):
    """A handler that takes events of one tenant at once, in their order, where they follow one another in a batch."""

    def __call__(self, session: Session, event: Event, /) -> None:
        """Handle one event."""

    def many(self, session: Session, events: Sequence[Event], /) -> None:
        """Handle several, with the same effect."""


@runtime_checkable
class AskingHandler(Protocol):
    """A handler that asks the database first, so that what events of several records need comes in one round trip."""

    def __call__(self, session: Session, event: Event, /) -> None:
        """Handle one event."""

    def ask(self, session: Session, event: Event, /) -> Callable[[], None]:
        """Ask, by `Session.fetch_later` and `run_later`; answers what remains to be done when the answers are there.

        It is asked for other records before that is done, so that here it writes nothing but what is kept of its own.
        """


@dataclass(frozen=True, kw_only=True)
class Subscriptions:
    """A consumer's handlers, and the bindings that bring it their events.

    Either `handlers` maps event types (`crm.user.created.v1`) to functions, which run in the tenant of the event (a
    `ManyHandler` gets those that follow one another at once, an `AskingHandler` is asked for several before it goes on
    with the first), or `batch` gets all the events of a transaction at once and in no tenant. `bindings` are patterns
    on the topic exchange; those of handlers are one for each type, so that nothing comes only to be ignored. What comes
    without a handler all the same, by a binding of an earlier release, is acknowledged and forgotten. `ingest` connects
    with INGEST_DATABASE_URL, whose role may write for every tenant.

    A handler may run again after a failure, and events of one record may arrive out of order after a retry: effects
    must be guarded by the event's `aggregate_version`. It raises `chassis.errors.Invalid` or `MalformedEvent` for an
    event that no retry can mend.
    """

    handlers: Mapping[str, Handler] = field(default_factory=dict)
    batch: BatchHandler | None = None
    bindings: tuple[str, ...] = ()
    ingest: bool = False

    def __post_init__(self) -> None:
        if bool(self.handlers) == (self.batch is not None):
            raise ValueError("subscriptions need either handlers or a batch handler")
        if not self.bindings:
            if self.batch is not None:
                raise ValueError("a batch handler does not say which events it wants: it needs bindings")
            object.__setattr__(self, "bindings", tuple(f"*.{name.removeprefix('crm.')}" for name in self.handlers))

    def wants(self, event_type: str) -> bool:
        """Whether events of this type have a handler."""
        return self.batch is not None or event_type in self.handlers
