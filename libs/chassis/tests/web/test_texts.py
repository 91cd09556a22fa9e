"""Texts of bodies: what is too long is refused before anything is done with it."""

import time

import pytest
from marshmallow import ValidationError

from chassis.web.schemas import Email, InSchema, Phone, Text

HOSTILE = ["é" + " " * 250_000 + "b", "a" + "\u0301" * 60_000 + "\u0316" * 60_000, "x" * 250_000, "é@" + "a." * 120_000]


class _Body(InSchema):
    line = Text(longest=255, shortest=1)
    text = Text(longest=20_000, allow_none=True)
    email = Email()
    phone = Phone(allow_none=True)


@pytest.mark.parametrize("name", ["line", "text", "email", "phone"])
@pytest.mark.parametrize("given", HOSTILE, ids=["blanks", "marks", "letters", "address"])
def test_a_body_that_is_one_text_is_refused_at_once(name: str, given: str) -> None:
    begin = time.process_time()
    with pytest.raises(ValidationError) as caught:
        _Body().load({name: given})
    assert list(caught.value.messages_dict) == [name]
    assert time.process_time() - begin < 1


def test_blanks_around_a_text_and_what_composes_to_less_do_not_count() -> None:
    assert _Body().load({"line": " " * 5_000 + "é" * 255 + "\u2003" * 5_000}) == {"line": "é" * 255}
    assert _Body().load({"line": "\u1100\u1161\u11a8" * 255}) == {"line": "각" * 255}
    assert _Body().load({"text": " \u200b" * 100_000}) == {"text": None}
