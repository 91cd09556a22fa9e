"""Hygiene of texts."""

import contextlib
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people.months import month_of
from people.tags import distinct_tags, tag_key
from people.texts import Fault, clean_line, clean_text, is_blank, trimmed, unguarded


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("  Leading and trailing\t", "Leading and trailing"),
        ("\u00a0Ana\u3000", "Ana"),
        ("\ufeffAna\u200b", "Ana"),
        ("e\u0301", "é"),
        (" I ❤\ufe0f ", "I ❤\ufe0f"),
        ("\u200d\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
    ],
)
def test_ends_come_off_and_what_stands_inside_stays(typed, cleaned):
    assert clean_line(typed) == clean_text(typed) == cleaned


@pytest.mark.parametrize(
    "typed",
    ["", " ", "\u200b", "\ufeff\ufeff", "\u00ad", "\u2800", "\u3164", "\u2060 \u180e", "\uffa0", "\u202e", "\ufe0f"],
)
def test_what_shows_nothing_is_blank(typed):
    assert is_blank(typed)
    assert clean_line(typed) == ""


@pytest.mark.parametrize("typed", ["Anna\nMaria", "a\tb", "bel\x07", "a\x85b", "a\u2028b", "del\x7f", "nul\x00"])
def test_a_line_takes_no_control_character(typed):
    with pytest.raises(Fault):
        clean_line(typed)


def test_a_text_has_lines_and_tabs_and_no_other_control_character():
    assert clean_text("a\n\tb\r\nc\n") == "a\n\tb\r\nc"
    with pytest.raises(Fault):
        clean_text("a\x1b[31m")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("'01234", "01234"),
        ("'+49", "+49"),
        ('="007"', "007"),
        ("'t Hart", "'t Hart"),
        ("=1+1", "=1+1"),
        ("", ""),
        ('= "x"', "x"),
    ],
)
def test_the_guards_of_a_spreadsheet_come_off(cell, text):
    assert unguarded(cell) == text


def test_a_tag_is_one_word_whatever_its_case_and_an_accent_is_another_word():
    assert distinct_tags(["VIP", "Café", " vip", "cafe", "Vip ", "\u200b"]) == ["VIP", "Café", "cafe"]
    assert distinct_tags(["İzmir", "izmir", "IZMIR", "ızmir"]) == ["İzmir"]
    assert distinct_tags(["new  York", "New\u00a0York", "NEW YORK"]) == ["new York"]
    assert distinct_tags(["ＶＩＰ", "vip", "ΟΔΟΣ", "οδος", "Straße", "STRASSE"]) == ["ＶＩＰ", "ΟΔΟΣ", "Straße"]
    assert tag_key(" STRASSE") == tag_key("Straße")


@given(st.text(max_size=40))
def test_cleaning_twice_is_cleaning_once(typed):
    try:
        cleaned = clean_text(typed)
    except Fault:
        return
    assert clean_text(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip()


@pytest.mark.parametrize("clean", [trimmed, is_blank, clean_line, clean_text])
@pytest.mark.parametrize(
    "text",
    [
        "é" + " " * 250_000 + "b",
        "b" + "\u200b" * 250_000 + "é",
        "é" + " \u2060" * 100_000 + "b",
        "\ufe0f" * 250_000 + "b",
        "a" + "\u0301\u0316" * 100_000,
        "a" + "\u0301" * 100_000 + "\u0316" * 100_000,
        "\u0f73" * 100_000,
    ],
    ids=["blanks", "unseen", "both", "selectors", "marks in turn", "marks", "vowels"],
)
def test_a_long_text_takes_no_longer_for_what_it_is_made_of(clean, text):
    """A search for blanks at the end began anew at each of them, and marks are put in order: minutes for such a body."""
    begin = time.process_time()
    with contextlib.suppress(Fault):
        clean(text)
    assert time.process_time() - begin < 1


def test_no_letter_has_more_marks_than_languages_give_it():
    assert clean_line("a" + "\u0316\u0301" * 15) == "á" + "\u0316" * 15 + "\u0301" * 14
    with pytest.raises(Fault, match="More than 30 marks"):
        clean_line("a" + "\u0316\u0301" * 15 + "\u0301")


@pytest.mark.parametrize(
    ("words", "month"),
    [
        ("January Jänner janvier enero gennaio stycznia leden tammikuu января Ocak Ιανουαρίου", 1),
        ("März maart marzo mars március maaliskuu березня Mart", 3),
        ("června červen czerwca giugno juin junho lipnja kesäkuu Haziran", 6),
        ("července červenec lipca luglio juillet Ιουλίου srpnja", 7),
        ("août agosto sierpnia srpna elokuuta Ağustos", 8),
        ("November novembre marraskuuta listopadu листопада Kasım", 11),
        ("Dez. décembre diciembre prosince grudnia грудня Aralık", 12),
    ],
)
def test_a_month_is_understood_in_many_languages(words, month):
    assert {month_of(word) for word in words.split()} == {month}


@pytest.mark.parametrize("word", ["listopada", "Friday", "Foo", "", "M"])
def test_a_word_that_is_no_month_or_two_is_none(word):
    assert month_of(word) is None
