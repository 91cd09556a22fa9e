"""Tags and other labels: one for each word, whatever its case."""

from collections.abc import Iterable

from people.folding import fold
from people.texts import clean_line


def tag_key(tag: str) -> str:
    """What is equal for tags that people take for one: case, and blanks at the ends, do not count; accents do."""
    return clean_line(tag).casefold()


def distinct_tags(tags: Iterable[str]) -> list[str]:
    """The tags, cleaned, in their order, each word once as it was written first; blank ones are none.

    Raises Fault for control characters.
    """
    first: dict[str, str] = {}
    for tag in map(clean_line, tags):
        if tag:
            first.setdefault(tag.casefold(), tag)
    return list(first.values())


def same_word(one: str, other: str) -> bool:
    """Whether two words of a list (a status, an industry) are the same to people."""
    return fold(one.strip()) == fold(other.strip())
