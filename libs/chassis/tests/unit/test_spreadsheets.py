"""Cells that no spreadsheet runs, whatever it takes for a separator, and what they were before."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chassis.spreadsheets import neutral, original
from imports.values import tags_in

_RUN = re.compile("[=+\\-@\t\r＝＋－＠﹦﹢﹣﹫−]")  # noqa: RUF001


@pytest.mark.parametrize("sign", list("=+-@＝＋－＠﹦﹢﹣﹫−"))  # noqa: RUF001
@pytest.mark.parametrize("before", ["", "a;", ";", "a,", "a|", "a\n", "a\r\n", "\t", "a; ", " "])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_no_cell_is_a_formula_whatever_the_separator(sign, before, separator):
    cell = neutral(f"{before}{sign}1+cmd()")
    for row in csv.reader(io.StringIO(cell, newline=""), delimiter=separator, quoting=csv.QUOTE_NONE):
        for part in row:
            assert not _RUN.match(part.lstrip(" \u00a0")), (cell, part)


@pytest.mark.parametrize(
    "text",
    [
        "+43 1 58800 ext. 7",
        "+49 30 123 Durchwahl 9",
        "+33 1 70 18 99 00 poste 12",
        "",
        "plain",
        "a-b",
        "a=b",
        "x@y.example",
        "+49 30 123",
        "-12.50",
        "it's",
        "O'Brien; Paul",
        "a, b",
        "'quoted'",
    ],
)
def test_what_is_no_formula_stays_as_it_is(text):
    assert neutral(text) == text
    assert original(text) == text


@given(st.text(alphabet="=+-@'; ,|\t\r\nab1＝", max_size=12))  # noqa: RUF001
def test_what_was_exported_comes_back_as_it_was(text):
    if not re.match(r"\+[0-9 ]+\Z|-[0-9]+(?:\.[0-9]+)?\Z", text):
        assert original(neutral(text)) == text
    assert original(neutral("+49 1")) == "+49 1"


@pytest.mark.parametrize("text", ["+1x12", "+1 ext12", "+1 312 555 0142 x12", "+1 ext. A1", "+1 sum. 1"])
def test_what_could_name_a_cell_is_guarded(text):
    assert neutral(text) == f"'{text}"


TAGS = st.text(alphabet="aB1 ;,|\"'\\#*•·-[]{}:=+@()、", min_size=1, max_size=6).filter(lambda tag: tag == tag.strip())


@given(st.lists(TAGS, min_size=1, max_size=3, unique=True))
@example(["a;b", "c"])
@example(["#vip", "see #vip"])
@example(["[x]", 'the "best"'])
@example(["* star"])
@example(["• star"])
@example(["'q'", "- minus"])
@example(["a:::b"])
@example(["{a}"])
def test_a_list_comes_back_as_it_was_whatever_is_in_it(tags):
    assert tags_in(original(neutral(tags))) == tags


def test_other_values_are_texts():
    assert [neutral(value) for value in (None, True, False, 5, ["a", "=b"])] == ["", "true", "false", "5", "a;'=b"]
