"""A person's whole name as its parts, what is written before the family's name and that; and the whole of parts."""

import re
from collections.abc import Iterable

_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# With which a family's name begins, where it is not the first word.
_PARTICLES = frozenset(
    [
        "al",
        "bin",
        "bint",
        "da",
        "das",
        "de",
        "del",
        "della",
        "den",
        "der",
        "di",
        "do",
        "dos",
        "du",
        "el",
        "ibn",
        "la",
        "las",
        "le",
        "los",
        "mac",
        "san",
        "st",
        "ten",
        "ter",
        "van",
        "vom",
        "von",
        "zu",
        "zum",
        "zur",
    ]
)

# What stands behind a family's name.
_GENERATIONS = frozenset(("jr", "sr", "ii", "iii", "iv"))


def name_parts(name: str) -> tuple[str, str | None]:
    """The first names and the family's name; a name of one word has no family's.

    "Lovelace, Ada" has the family's name first, and so have names in East Asian letters; "Ludwig van Beethoven" begins
    it with a particle. Names that are written without blanks are left whole.
    """
    family, comma, given = (part.strip() for part in name.partition(","))
    if comma and family and given:
        return given, family
    words = name.replace(",", " ").split()
    for index, word in enumerate(words[1:], 1):
        if word.lower().rstrip(".") in _PARTICLES and index < len(words) - 1:
            return " ".join(words[:index]), " ".join(words[index:])
    if len(words) < 2:  # noqa: PLR2004  # A first name and a family's.
        return " ".join(words), None
    if is_family_first(words):
        return " ".join(words[1:]), words[0]
    # Somebody's son is called as he is.
    last = -2 if len(words) > 2 and words[-1].lower().rstrip(".") in _GENERATIONS else -1  # noqa: PLR2004
    return " ".join(words[:last]), " ".join(words[last:])


def is_family_first(parts: Iterable[str]) -> bool:
    """Whether a name of these parts is written with the family's name first, as in East Asia."""
    return all(_EAST_ASIAN.match(part) for part in parts)


def whole_name(first: str | None, last: str | None) -> str | None:
    """The whole of a name; None where there is no part of it."""
    parts = [part for part in (first, last) if part]
    if is_family_first(parts):
        parts.reverse()
    return " ".join(parts) or None
