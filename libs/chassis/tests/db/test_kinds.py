"""The texts of filters are read as the values of their kind, and what is none is told so in a sentence."""

import pytest

from chassis.db.kinds import INTEGER

LARGEST = 2**63 - 1


@pytest.mark.parametrize("number", [0, -5, LARGEST, -LARGEST - 1])
def test_every_64_bit_integer_is_one(number: int) -> None:
    assert INTEGER.parse(str(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "--5", "+5", " 5", "5\n", "1_000", "5.0", "\u00bd", "\u0663", str(LARGEST + 1), str(-LARGEST - 2)),
        pytest.param("9" * 5000, id="5000 digits"),
    ],
)
def test_anything_else_is_answered_with_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=f"^a whole number from {-LARGEST - 1} to {LARGEST} is wanted$"):
        INTEGER.parse(text)
