"""Between two attempts at a request: asking other services for what the first one missed, and giving way."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import structlog
from flask import Response, current_app, g
from psycopg.errors import DeadlockDetected, SerializationFailure

from chassis.errors import Unavailable, UnknownReference
from chassis.references.asking import References

# A request that names several kinds of records misses one kind after the other.
MOST_ROUNDS = 5

# So often a request is run again that PostgreSQL ended so that another transaction could go on.
MOST_DEADLOCKS = 2

log = structlog.get_logger()
T = TypeVar("T")


class _UnansweredError(Exception):
    """A question to another service that this request has not asked yet."""

    def __init__(self, key: str, ask: Callable[[References], dict[str, Any]]) -> None:
        super().__init__(key)
        self.key = key
        self.ask = ask


def answer_of(owner: str, path: str, query: Mapping[str, object], members: Collection[str]) -> dict[str, Any]:
    """What another service answers to a GET, with these members, to a view that does without before anything else.

    The first time the view ends here, and runs again when the answer is there: nobody waits for the network with a lock
    or a connection in hand. The request is answered 503 where the service does not answer in time.
    """
    key = repr((owner, path, sorted(query.items())))
    return _known(key, lambda references: references.ask(owner, path, query, members))


def answers_of(
    owners: Collection[str], path: str, query: Mapping[str, object], members: Collection[str]
) -> dict[str, dict[str, Any] | None]:
    """The same of several services at once, by their names; None of those that do not answer in time."""

    def ask(references: References) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        for owner in owners:
            try:
                answers[owner] = references.ask(owner, path, query, members)
            except Unavailable:
                answers[owner] = None
        return answers

    return _known(repr((tuple(owners), path, sorted(query.items()))), ask)


def _known(key: str, ask: Callable[[References], dict[str, Any]]) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = g.get("answers", {})
    if key not in known:
        raise _UnansweredError(key, ask)
    return known[key]


def once(name: str, make: Callable[[], T]) -> T:
    """What a view finds before it asks another service, for when it runs again: to be held against what is locked."""
    if name not in g.found:
        g.found[name] = make()
    found: T = g.found[name]
    return found


def read_through(references: References, attempt: Callable[[], Response]) -> Response:
    """Run `attempt`, which is a whole transaction, and again after what it missed was asked for, once for each.

    The first attempt is rolled back before anybody is asked: who waits for the network holds no lock and no connection,
    and what is written comes from one attempt alone. What nobody knows the last attempt refuses, as a wrong value.
    Raises Unavailable where the owner does not answer.
    """
    g.asked = frozenset()
    g.answers = {}
    g.found = {}
    for _ in range(MOST_ROUNDS):
        try:
            return attempt()
        except UnknownReference as unknown:
            missing = _unasked(references, unknown)
            if not missing:
                raise
            references.fetch(missing)
            g.asked |= missing
        except _UnansweredError as question:
            g.answers[question.key] = question.ask(references)
    return attempt()


def retry_deadlocks(attempt: Callable[[], Response]) -> Response:
    """Run `attempt`, which is a whole transaction, and again where it was the one that had to give way in a deadlock.

    A request locks what it names in its own order, and a consumer in that of its events: a client could only do the
    same again. Raises psycopg's error where that happens time and again.
    """
    for _ in range(MOST_DEADLOCKS):
        try:
            return attempt()
        except (DeadlockDetected, SerializationFailure) as error:
            log.warning("deadlock, running the request again", sqlstate=error.sqlstate)
    return attempt()


def unasked(unknown: UnknownReference) -> frozenset[tuple[str, int]]:
    """Which of the references may still be had by asking, so that it is too early to refuse them."""
    return _unasked(current_app.references, unknown)  # type: ignore[attr-defined]  # A ServiceApplication.


def _unasked(references: References, unknown: UnknownReference) -> frozenset[tuple[str, int]]:
    asked: frozenset[tuple[str, int]] = g.get("asked", frozenset())
    return frozenset(one for one in unknown.references - asked if references.can_ask(one[0]))
