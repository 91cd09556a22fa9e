"""Dates, amounts and lists as they stand in files of all countries."""

import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imports.values import (
    DAY_FIRST,
    MONTH_FIRST,
    addresses_in,
    numbers_in,
    pages_in,
    parse_amount,
    parse_moment,
    propose_date_format,
    propose_decimal_mark,
    tags_in,
)


@pytest.mark.parametrize(
    ("text", "form", "moment"),
    [
        ("07.02.2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("07.02.2023 08:45", MONTH_FIRST, datetime(2023, 2, 7, 8, 45, tzinfo=UTC)),
        ("2/7/2023 3:05 PM", MONTH_FIRST, datetime(2023, 2, 7, 15, 5, tzinfo=UTC)),
        ("2/7/2023 12:05 AM", MONTH_FIRST, datetime(2023, 2, 7, 0, 5, tzinfo=UTC)),
        ("7/2/23", DAY_FIRST, datetime(2023, 2, 7, tzinfo=UTC)),
        ("25-12-1999", None, datetime(1999, 12, 25, tzinfo=UTC)),
        ("2023/2/7", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7 Feb 2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("2023-02-07T10:00:00.000+0000", None, datetime(2023, 2, 7, 10, tzinfo=UTC)),
        ("4/4/2023", None, datetime(2023, 4, 4, tzinfo=UTC)),
        ("7. Februar 2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("Di., 7. Febr. 2023, 08:45 Uhr", None, datetime(2023, 2, 7, 8, 45, tzinfo=UTC)),
        ("1er août 2023 \u00e0 8h45", None, datetime(2023, 8, 1, 8, 45, tzinfo=UTC)),
        ("7 de fevereiro de 2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("February 7th, 2023 3:05 pm", None, datetime(2023, 2, 7, 15, 5, tzinfo=UTC)),
        ("Tue Feb 7 2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7-Feb-23", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7 февраля 2023 \u0433.", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("2023年2月7日", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("2023년 2월 7일 8:45", None, datetime(2023, 2, 7, 8, 45, tzinfo=UTC)),
        ("07.02.2023 08:45 Uhr", None, datetime(2023, 2, 7, 8, 45, tzinfo=UTC)),
        ("Di, 07.02.2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7. 2. 2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("07.02.2023. 8:45", None, datetime(2023, 2, 7, 8, 45, tzinfo=UTC)),
        ("2023. 02. 07.", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("2023. február 7.", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7 lutego 2023 r.", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7 sie 2023", None, datetime(2023, 8, 7, tzinfo=UTC)),
        ("7 فبراير 2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7 בפברואר 2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7 फरवरी 2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7 กุมภาพันธ์ พ.ศ. 2566", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("7 ก.พ. 2566", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("2566-02-07", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("ngày 7 tháng 2 năm 2023", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("令和5年2月7日", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("令和元年5月7日", None, datetime(2019, 5, 7, tzinfo=UTC)),
        ("民國112年2月7日", None, datetime(2023, 2, 7, tzinfo=UTC)),
        ("2023-02-07 08:45:00 UTC", None, datetime(2023, 2, 7, 8, 45, tzinfo=UTC)),
        ("\u0660\u0667.\u0660\u0662.\u0662\u0660\u0662\u0663", None, datetime(2023, 2, 7, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_in_the_form_of_its_country(text: str, form: str | None, moment: datetime) -> None:
    assert parse_moment(text, form) == moment


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2/7/2023", "two months"),
        ("31.02.2023", "no such day"),
        ("soon", "no date"),
        ("31. Februar 2023", "no such day"),
        ("7 listopada 2023", "no date"),
        ("7 Foo 2023", "no date"),
        ("45000", "no date"),
        ("23年2月7日", "no date"),
    ],
)
def test_a_date_that_could_be_two_or_none_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_moment(text)


def test_the_form_of_dates_is_proposed_where_the_samples_leave_no_doubt() -> None:
    assert propose_date_format(["3/4/2024", "9/17/2024"]) == MONTH_FIRST
    assert propose_date_format(["3/4/2024", "17/9/2024", ""]) == DAY_FIRST
    assert propose_date_format(["3/4/2024", "5/6/2024"]) is None
    assert propose_date_format(["17/9/2024", "9/17/2024"]) is None
    assert propose_date_format(["17.09.2024", "2024-09-17"]) is None


@pytest.mark.parametrize(
    ("text", "mark", "amount"),
    [
        ("2.750,50 €", None, "2750.50"),
        ("$12,750.5", None, "12750.5"),
        ("CHF 1'250.00", None, "1250.00"),
        ("1.234.567", None, "1234567"),
        ("0,5", None, "0.5"),
        ("3,75", None, "3.75"),
        ("9.125", ",", "9125"),
        ("9.125", ".", "9.125"),
        ("(80,00)", None, "-80.00"),
        ("-17", None, "-17"),
        ("1\u202f000,00", None, "1000.00"),
        ("R$ 1.234,50", None, "1234.50"),
        ("1.234,50 BRL", None, "1234.50"),
        ("HK$1,234.50", None, "1234.50"),
        ("₹ 12,34,567.50", None, "1234567.50"),
        ("250,-", None, "250"),
        ("CHF 1\u2019250.\u2013", None, "1250"),
        ("€ 1.250,--", None, "1250.00"),
        ("1 250:-", None, "1250"),
        ("Rs. 1,50,000/-", None, "150000"),
        ("1,250,000円", None, "1250000"),
        ("\uffe51,250,000", None, "1250000"),
        ("1.250.000đ", None, "1250000"),
        ("1.250,50 TL", None, "1250.50"),
        ("1.250,50 Euro", None, "1250.50"),
        ("Fr. 1'250.50", None, "1250.50"),
        ("R 1 250,50", None, "1250.50"),
        ("RM1,250.50", None, "1250.50"),
        ("+17", None, "17"),
        (",5", None, "0.5"),
        ("1.250,00-", None, "-1250.00"),
        ("\u221217", None, "-17"),
        ("1 250 Kč", None, "1250"),
        ("1 250,50 \u0440\u0443\u0431.", None, "1250.50"),
        ("\u0661\u0662\u0665\u0660\u066b\u0665", None, "1250.5"),
        ("\uff11\uff0c\uff12\uff15\uff10\uff0e\uff15\uff10", None, "1250.50"),
    ],
)
def test_an_amount_is_read_as_its_country_writes_it(text: str, mark: str | None, amount: str) -> None:
    assert parse_amount(text, mark) == amount


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("9.125", None),
        ("12,5", "."),
        ("1,2,3", None),
        ("about 5", None),
        ("1.00,5", ","),
        ("", None),
        ("1,5 Mio", None),
        ("12,3456,789", None),
        ("100 or 200", None),
        ("1e5", None),
        ("150万円", None),
        ("1.5k", None),
        ("12 %", None),
        ("9.125 円", None),
    ],
)
def test_an_amount_that_could_be_two_or_none_is_refused(text: str, mark: str | None) -> None:
    with pytest.raises(ValueError, match=r"two amounts|no amount"):
        parse_amount(text, mark)


def test_the_decimal_mark_is_proposed_where_the_samples_leave_no_doubt() -> None:
    assert propose_decimal_mark(["2.750,50", "9.125"]) == ","
    assert propose_decimal_mark(["2,750.50", "17"]) == "."
    assert propose_decimal_mark(["9.125", "17"]) is None
    assert propose_decimal_mark(["2,750.50", "2.750,50"]) is None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_is_too_strange_for_any_of_them(text: str) -> None:
    for read in (parse_amount, parse_moment):
        with suppress(ValueError):
            read(text)
    for split in (addresses_in, numbers_in, pages_in):
        assert all(isinstance(part, str) for part in split(text))


@pytest.mark.parametrize(
    ("cell", "addresses"),
    [
        ("MAILTO:a@x.example", ["a@x.example"]),
        ("mailto: a@x.example?subject=Hello", ["a@x.example"]),
        ("a@x.example <mailto:a@x.example>", ["a@x.example"]),
        ("E-Mail: a@x.example", ["a@x.example"]),
        ("privat: a@x.example, Arbeit: b@x.example", ["a@x.example", "b@x.example"]),
        ("'a@x.example'", ["a@x.example"]),
        ("[a@x.example]", ["a@x.example"]),
        ("a@x.example.", ["a@x.example"]),
        ("a@x.example ve b@x.example", ["a@x.example", "b@x.example"]),
        ("a@x.example/b@x.example", ["a@x.example", "b@x.example"]),
        ("a@x.example (home), b@x.example (work)", ["a@x.example", "b@x.example"]),
        ('["a@x.example", "b@x.example"]', ["a@x.example", "b@x.example"]),
        # What is none stays as it is, to be refused.
        ("a..b@x.example", ["a..b@x.example"]),
        ("a b@x.example", ["a b@x.example"]),
        ("ask: Ada", ["ask: Ada"]),
    ],
)
def test_an_address_is_taken_out_of_what_stands_around_it(cell: str, addresses: list[str]) -> None:
    assert addresses_in(cell) == addresses


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("+90 532 1234567 veya +90 312 1234567", ["+90 532 1234567", "+90 312 1234567"]),
        ("+7 495 1234567 или +7 903 1234567", ["+7 495 1234567", "+7 903 1234567"]),
        ("+49 171 1234567 +49 30 123456", ["+49 171 1234567", "+49 30 123456"]),
        ("+39 02 1234567 - +39 347 1234567", ["+39 02 1234567", "+39 347 1234567"]),
        ("0171 1234567/030 123456", ["0171 1234567", "030 123456"]),
        ("0171/1234567", ["0171/1234567"]),
        ("030 123456/78", ["030 123456/78"]),
        ("Tel. +49 30 123456", ["Tel. +49 30 123456"]),
    ],
)
def test_two_numbers_are_told_from_one(cell: str, numbers: list[str]) -> None:
    assert numbers_in(cell) == numbers


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ('VIP, "Blog, weekly"', ["VIP", "Blog, weekly"]),
        ('"VIP"; "Blog; weekly"', ["VIP", "Blog; weekly"]),
        ("'VIP','Blog'", ["VIP", "Blog"]),
        ("{VIP,Blog}", ["VIP", "Blog"]),
        ("['L\\'Atelier', 'VIP']", ["L'Atelier", "VIP"]),
        ('["L\'Atelier", "VIP"]', ["L'Atelier", "VIP"]),
        ("'n Abend, L'Atelier", ["'n Abend", "L'Atelier"]),
        ("\u2022 VIP\n\u2022 Blog", ["VIP", "Blog"]),
        ("VIP\tBlog", ["VIP", "Blog"]),
        ('17" screens, VIP', ['17" screens', "VIP"]),
        ('"open, VIP', ['"open', "VIP"]),
    ],
)
def test_tags_are_taken_out_of_a_list_however_it_is_written(cell: str, tags: list[str]) -> None:
    assert tags_in(cell) == tags


def test_several_values_in_a_cell_are_told_apart() -> None:
    assert addresses_in("eva@example.com ::: eva@work.example") == ["eva@example.com", "eva@work.example"]
    assert addresses_in("Eva N. <eva@example.com>, Tom <tom@example.com>") == ["eva@example.com", "tom@example.com"]
    assert addresses_in("mailto:eva@example.com") == ["eva@example.com"]
    assert addresses_in("eva@example.com eva@work.example") == ["eva@example.com", "eva@work.example"]
    assert addresses_in("nobody") == ["nobody"]
    assert addresses_in("eva@example.com / eva@work.example") == ["eva@example.com", "eva@work.example"]
    assert addresses_in("eva@example.com oder eva@work.example") == ["eva@example.com", "eva@work.example"]
    assert addresses_in("eva@example.com、eva@work.example") == ["eva@example.com", "eva@work.example"]
    assert addresses_in("eva@example.com (work)") == ["eva@example.com"]
    assert numbers_in("+43 1 234567 ::: +43 664 1234567") == ["+43 1 234567", "+43 664 1234567"]
    assert numbers_in("01 234567; 0664 1234567") == ["01 234567", "0664 1234567"]
    assert numbers_in("0221/000 12 13") == ["0221/000 12 13"]
    assert numbers_in("01 234567 oder 0664 1234567") == ["01 234567", "0664 1234567"]
    assert numbers_in("+1 312 555 0142, ext. 9") == ["+1 312 555 0142, ext. 9"]
    assert pages_in("https://a.example ::: https://b.example") == ["https://a.example", "https://b.example"]
    assert tags_in('"Gold","Fair, spring"') == ["Gold", "Fair, spring"]
    assert tags_in("* myContacts ::: Chor ::: * starred") == ["Chor", "starred"]
    assert tags_in("hot, webinar;late") == ["hot", "webinar", "late"]
    assert tags_in("hot|webinar、late") == ["hot", "webinar", "late"]
    assert tags_in('["hot", "a, b"]') == ["hot", "a, b"]
    assert tags_in("['hot', 'late']") == ["hot", "late"]
    assert tags_in("#hot #late C#") == ["hot", "late C#"]


@pytest.mark.parametrize("split", [addresses_in, numbers_in, pages_in, tags_in])
@pytest.mark.parametrize(
    "text", ["a" + " " * 120_000 + "b", "é" + " \u00a0" * 60_000 + "b", " @" * 60_000, "<" * 120_000]
)
def test_a_long_cell_takes_no_longer_for_what_it_is_made_of(split, text):
    """What follows a blank was asked at each blank anew: minutes for a cell, in which a worker does nothing else."""
    begin = time.process_time()
    split(text)
    assert time.process_time() - begin < 2
