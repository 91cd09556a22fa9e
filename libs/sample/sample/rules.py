"""What may become of a book; pure, no I/O."""

from chassis.errors import Conflict

STATUSES = ("present", "lent", "lost")


def refuse_lending_lost(before: str, after: str) -> None:
    """Raise Conflict for a book that is lost and was to be lent before anybody has found it."""
    if (before, after) == ("lost", "lent"):
        raise Conflict("book_lost", "The book is lost; it has to be found before it is lent.")
