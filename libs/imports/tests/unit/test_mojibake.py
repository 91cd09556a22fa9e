"""What was encoded twice comes back, however it is cut; what was encoded once is left alone."""

import codecs

from hypothesis import given
from hypothesis import strategies as st

from imports.mojibake import TWICE, is_twice, mended


def twice(text: str) -> str:
    """The text as a program shows it that takes UTF-8 for Windows-1252."""
    return "".join(bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in text.encode())


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), max_size=30)


@given(text=TEXTS, size=st.integers(1, 7))
def test_what_was_encoded_twice_comes_back_however_it_is_cut(text: str, size: int) -> None:
    data = twice(text).encode()
    decoder = codecs.getincrementaldecoder(TWICE)()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert "".join([*map(decoder.decode, pieces), decoder.decode(b"", final=True)]) == text
    assert data.decode(TWICE) == text


WORDS = (
    "Müller",
    "Groß",
    "œuvre",
    "“Zitat”",
    "Łódź",
    "10 €",
    "Ñandú",
    "Åse",
    "SÃO",
    "naïve",
    "ÉTÉ",
    "Ελένη",
    "Иван",
    "李",
    "",
)


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_what_people_write_is_not_taken_for_encoded_twice(words: list[str]) -> None:
    text = " ".join(words)
    assert not is_twice(text)
    assert mended(text) == text
    assert mended(twice(text)) == text
