"""Tags and other labels: one for each word, whatever its case."""

import unicodedata
from collections.abc import Iterable

from people.texts import clean_line

# Capitals of i in Turkish, with a dot and without, which others take for one letter.
_DOTS = str.maketrans({"ı": "i", "\u0307": None})


def clean_tag(tag: str) -> str:
    """A tag as it is kept: a line with one blank between words. Raises Fault for control characters."""
    return " ".join(clean_line(tag).split())


def tag_key(tag: str) -> str:
    """What is equal for tags that people take for one: case, width and blanks do not count; accents do."""
    cased = unicodedata.normalize("NFKC", clean_tag(tag)).casefold()
    return cased if cased.isascii() else unicodedata.normalize("NFC", cased.translate(_DOTS))


def distinct_tags(tags: Iterable[str]) -> list[str]:
    """The tags, cleaned, in their order, each word once as it was written first; blank ones are none.

    Raises Fault for control characters.
    """
    first: dict[str, str] = {}
    for tag in map(clean_tag, tags):
        if tag:
            first.setdefault(tag_key(tag), tag)
    return list(first.values())
