"""Whole names taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people.full_names import name_parts


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Grace Brewster Hopper", ("Grace Brewster", "Hopper")),
        ("Hopper, Grace Brewster", ("Grace Brewster", "Hopper")),
        ("Vincent van Gogh", ("Vincent", "van Gogh")),
        ("Van Morrison", ("Van", "Morrison")),
        ("Juan Carlos de la Fuente Pérez", ("Juan Carlos", "de la Fuente Pérez")),
        ("Otto von Bismarck", ("Otto", "von Bismarck")),
        ("Charles de", ("Charles", "de")),
        ("Madonna", ("Madonna", None)),
        ("Smith,", ("Smith", None)),
        ("  Ada   Lovelace ", ("Ada", "Lovelace")),
        ("桜木花道", ("桜木花道", None)),
        ("", ("", None)),
    ],
)
def test_the_family_is_told_from_the_person(name: str, parts: tuple[str, str | None]) -> None:
    assert name_parts(name) == parts


@given(st.lists(st.text("abcdefé'-", min_size=1), min_size=1, max_size=6))
def test_no_word_of_a_name_is_lost(words: list[str]) -> None:
    first, last = name_parts(" ".join(words))
    assert [*first.split(), *(last or "").split()] == words
