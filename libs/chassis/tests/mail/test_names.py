"""Names of strangers in letters, and the addresses that letters go to."""

import pytest

from chassis.mail import as_name, is_address


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Zoë O'Brien-Müller", "Zoë O'Brien-Müller"),
        ("J.R.R. Tolkien", "J. R. R. Tolkien"),
        ("Smith & Söhne (GmbH)", "Smith & Söhne (GmbH)"),
        ("李小龙", "李小龙"),
        ("URGENT: log in at http://evil.example/login", "URGENT log in at http evil. example login"),
        ("mail me@evil.example\r\nBcc: x", "mail me evil. example Bcc x"),
        ("<b>\u202e</b>", "b b"),
        ("x" * 500, "x" * 80 + "…"),
        ("://", ""),
    ],
)
def test_a_strangers_name_is_shown_as_a_name(given, shown):
    assert as_name(given) == shown


@pytest.mark.parametrize(
    "address",
    [
        "ann@acme.example",
        "o'brien@acme.example",
        "i*q~+a5x!f@null.awd55me.dev",
        "rd{=o_@j.com",
        "jürgen@müller.example",
    ],
)
def test_every_address_that_a_user_may_have_gets_letters(address):
    assert is_address(address)
