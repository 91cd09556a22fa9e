"""Where a card lies in its column: a number, smaller is higher, ties go by id. Pure, no I/O."""

from collections.abc import Sequence

# A card on top of all others lies this much above them. Halving what is left would be used up after twenty cards.
STEP = 2**20
# What cards that are spread anew have between them, at least.
ROOM = 1024
SMALLEST_WINDOW = 16


def on_top(highest: int | None) -> int:
    """Above the highest card of a column; None is of an empty one."""
    return -STEP if highest is None else highest - STEP


def between(above: int | None, below: int | None) -> int | None:
    """The middle of a gap, of which one end may be open; None where there is no room in it."""
    if above is None:
        return on_top(below)
    if below is None:
        return above + STEP
    middle = (above + below) // 2
    return middle if above < middle < below else None


def closed_position(microseconds: int) -> int:
    """Where a card lies in a column of what is closed: the newest closing (Unix time) is the highest."""
    return -microseconds


def spread(count: int, above: int | None, below: int | None) -> Sequence[int] | None:
    """Positions for so many cards between the two that lie outside of their window, in order; None for too little room.

    Where the window reaches the end of the column there is room without end.
    """
    if above is not None and below is not None:
        distance = (below - above) // (count + 1)
        return [above + distance * place for place in range(1, count + 1)] if distance >= ROOM else None
    if above is not None:
        return [above + STEP * place for place in range(1, count + 1)]
    end = STEP * (count + 1) if below is None else below
    return [end - STEP * (count + 1 - place) for place in range(1, count + 1)]
