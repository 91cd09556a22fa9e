"""Between two attempts at a request: asking for the records of other services that the first one missed."""

from collections.abc import Callable

from flask import Response, current_app, g

from chassis.errors import UnknownReference
from chassis.references.asking import References

# A request that names several kinds of records misses one kind after the other.
MOST_ROUNDS = 5


def read_through(references: References, attempt: Callable[[], Response]) -> Response:
    """Run `attempt`, which is a whole transaction, and again after what it missed was asked for, once for each.

    The first attempt is rolled back before anybody is asked: who waits for the network holds no lock and no connection,
    and what is written comes from one attempt alone. What nobody knows the last attempt refuses, as a wrong value.
    Raises Unavailable where the owner does not answer.
    """
    g.asked = frozenset()
    for _ in range(MOST_ROUNDS):
        try:
            return attempt()
        except UnknownReference as unknown:
            missing = _unasked(references, unknown)
            if not missing:
                raise
        references.fetch(missing)
        g.asked |= missing
    return attempt()


def unasked(unknown: UnknownReference) -> frozenset[tuple[str, int]]:
    """Which of the references may still be had by asking, so that it is too early to refuse them."""
    return _unasked(current_app.references, unknown)  # type: ignore[attr-defined]  # A ServiceApplication.


def _unasked(references: References, unknown: UnknownReference) -> frozenset[tuple[str, int]]:
    asked: frozenset[tuple[str, int]] = g.get("asked", frozenset())
    return frozenset(one for one in unknown.references - asked if references.can_ask(one[0]))
