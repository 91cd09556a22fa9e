"""Whole names taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people.full_names import name_parts, whole_name


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
        ("桜木 花道", ("花道", "桜木")),
        ("김 철수", ("철수", "김")),
        ("王 小明", ("小明", "王")),
        ("Sammy Davis Jr.", ("Sammy", "Davis Jr.")),
        ("William Henry Gates III", ("William Henry", "Gates III")),
        ("King Jr", ("King", "Jr")),
        ("", ("", None)),
    ],
)
def test_the_family_is_told_from_the_person(name: str, parts: tuple[str, str | None]) -> None:
    assert name_parts(name) == parts


@pytest.mark.parametrize("name", ["桜木 花道", "김 철수", "Grace Brewster Hopper", "Sammy Davis Jr."])
def test_parts_make_the_whole_again(name: str) -> None:
    assert whole_name(*name_parts(name)) == name


@given(st.lists(st.text("abcdefé'-", min_size=1), min_size=1, max_size=6))
def test_no_word_of_a_name_is_lost(words: list[str]) -> None:
    first, last = name_parts(" ".join(words))
    assert [*first.split(), *(last or "").split()] == words
