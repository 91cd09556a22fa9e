"""Tags: the words that people put on a record. Pure, no I/O."""

from collections.abc import Sequence

from chassis.errors import Invalid, NotFound
from people.tags import distinct_tags, tag_key

MOST_TAGS = 50
LONGEST_TAG = 50


def with_tags(present: Sequence[str], added: Sequence[str], noun: str) -> list[str]:
    """The tags of a record (a `noun`) and those of `added` that it does not have. Raises Invalid for too many."""
    together = distinct_tags([*present, *added])
    if len(together) > MOST_TAGS:
        raise Invalid("too_many_tags", f"A {noun} has at most {MOST_TAGS} tags.")
    return together


def without_tag(present: Sequence[str], tag: str, noun: str) -> list[str]:
    """The tags of a record (a `noun`) but one, in whatever case. Raises NotFound for one that is not there."""
    key = tag_key(tag)
    kept = [other for other in present if tag_key(other) != key]
    if len(kept) == len(present):
        raise NotFound("tag_not_found", f"The {noun} has no such tag.")
    return kept
