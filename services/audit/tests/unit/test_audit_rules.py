"""What becomes of an event's loose ends."""

import pytest

from audit import rules


@pytest.mark.parametrize("given", ["203.0.113.9", "2001:db8::1", "::ffff:203.0.113.9"])
def test_an_address_stays_an_address(given: str) -> None:
    assert rules.address(given) is not None


@pytest.mark.parametrize(
    "given", [None, "", "unknown", "203.0.113.9, 10.0.0.1", "203.0.113.9:443", "fe80::1%eth0", "10.0.0.0/8", 7, ["::1"]]
)
def test_what_is_no_address_becomes_null(given: object) -> None:
    assert rules.address(given) is None


def test_text_loses_nul_and_what_is_too_long() -> None:
    assert rules.text("a\x00bcd", 3) == "abc"


@pytest.mark.parametrize("given", [None, 7, {}])
def test_what_is_no_text_becomes_null(given: object) -> None:
    assert rules.text(given) is None
