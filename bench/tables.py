"""Tables of figures: aligned for a terminal, and in Markdown; the first column has names, the others numbers."""

from collections.abc import Iterable, Sequence


def aligned(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table for a terminal."""
    table = [headings, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table for a page of the documentation."""
    return [
        f"| {' | '.join(headings)} |",
        f"|---{'|--:' * (len(headings) - 1)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
