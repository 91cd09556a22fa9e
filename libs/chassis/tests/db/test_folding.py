"""PostgreSQL folds texts as `people` does, so that a search finds what matching calls the same."""

import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from people.folding import DROPPED, KEPT, LETTERS, SIGNS, TWO_LETTERS, UNSPACED, fold, fold_two
from people.folding_in_sql import folding_function, two_letters_function


@cache
def known() -> list[str]:
    """What was given a meaning after this is another letter to one of the two tables of Unicode."""
    return [
        chr(code)
        for code in range(1, sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co") and not chr(code).isascii()
    ]


TOLD = "".join(dict.fromkeys("".join((*KEPT, *LETTERS, *SIGNS, *TWO_LETTERS, *(c for pair in DROPPED for c in pair)))))
UNSPACED_SIGNS = "".join(character for pair in UNSPACED for character in pair)
CHARACTERS = (
    st.deferred(lambda: st.sampled_from(known()))
    | st.sampled_from(TOLD)
    | st.sampled_from(UNSPACED_SIGNS + " \u3000")
    | st.characters(min_codepoint=32, max_codepoint=0x4FF)
)


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE SCHEMA folding_alone")
        connection.execute("SET LOCAL search_path = folding_alone")
        connection.execute(folding_function("fold").encode())
        connection.execute(two_letters_function("fold_two", "folding_alone.fold").encode())
        yield connection
        connection.rollback()


def folded(database: psycopg.Connection[Any], texts: list[str]) -> list[tuple[str, str]]:
    query = "SELECT fold(t), fold_two(t) FROM unnest(%s::text[]) WITH ORDINALITY given(t, n) ORDER BY n"
    return [(row[0], row[1]) for row in database.execute(query, (texts,))]


def test_every_character_is_folded_alike(database: psycopg.Connection[Any]) -> None:
    differing = [
        (character, theirs)
        for character, theirs in zip(known(), folded(database, known()), strict=True)
        if theirs != (fold(character), fold_two(character))
    ]
    assert differing == []


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(CHARACTERS, max_size=12), min_size=20, max_size=40))
def test_every_text_is_folded_alike(database: psycopg.Connection[Any], texts: list[str]) -> None:
    assert folded(database, texts) == [(fold(text), fold_two(text)) for text in texts]
