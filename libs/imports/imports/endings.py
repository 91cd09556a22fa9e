"""What stands below the rows of a table and is none of them: sums, and sentences. Pure."""

import re
from collections.abc import Sequence

from imports.values import can_be_read, parse_amount
from people.folding import fold

_LEAST_COLUMNS = 3
_LONGEST_NAME_IN_WORDS = 4
# What stands before the sum of a table, folded.
_SUMS = (
    *(
        "total",
        "totals",
        "grand total",
        "grand totals",
        "subtotal",
        "subtotals",
        "summe",
        "zwischensumme",
        "gesamtsumme",
    ),
    *("gesamt", "gesamtbetrag", "gesamtergebnis", "insgesamt", "somme", "total general", "totaux", "totaal", "totale"),
    *("suma", "razem", "итого", "всего", "разом", "toplam", "genel toplam", "celkem", "spolu", "osszesen", "yhteensa"),
    *(
        "summa",
        "totalt",
        "i alt",
        "合計",
        "合计",
        "总计",
        "總計",
        "총계",
        "합계",
        "συνολο",
        "tong cong",
        "รวม",
        "المجموع",
    ),
)
_BEGINNINGS = frozenset(sign for word in _SUMS for sign in (word[0], word[0].upper()))
_SUM = re.compile(rf"(?:{'|'.join(_SUMS)})\s*:?\s*(?P<count>\(?\d+(?: [^\W\d_]+)?\)?)?\Z")


def is_sum(cells: Sequence[str]) -> bool:
    """Whether this may be the sum below a table: a word for that, and nothing but amounts."""
    first = next((text for cell in cells if (text := cell.strip())), "")
    # Most rows begin with no such letter, and a file has millions.
    if first[:1] not in _BEGINNINGS or len(cells) < 2 or (word := _SUM.match(fold(first))) is None:  # noqa: PLR2004
        return False
    given = [text for cell in cells if (text := cell.strip())]
    amounts = all(can_be_read(parse_amount, text) for text in given[1:])
    return amounts and (len(given) > 1 or bool(word["count"]))


def is_sentence(cells: Sequence[str]) -> bool:
    """Whether this is a sentence in a row of a wider table that has nothing else."""
    first = cells[0].strip()
    alone = len(cells) >= _LEAST_COLUMNS and not any(map(str.strip, cells[1:]))
    return alone and (first.endswith(".") or len(first.split()) > _LONGEST_NAME_IN_WORDS)
