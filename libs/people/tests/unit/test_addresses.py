"""E-mail addresses, telephone numbers, countries and domains."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from people import countries_of_cldr
from people.countries import country_code
from people.domains import ascii_address, domain_key, says_nothing
from people.emails import clean_email, email_key, is_email
from people.phones import (
    _parsed_e164,
    _plain_e164,
    clean_phone,
    extension_of,
    number_in,
    phone_key,
    phone_of,
    phone_tail,
    same_phone,
)
from people.texts import Fault


@pytest.mark.parametrize(
    "address",
    [
        "d'angelo@example.com",
        "a+b=c@example.co.uk",
        "x{y}|z~@example.com",
        "büro@example.de",
        "info@straße.example",
        "用户@例子.example",
        "δοκιμή@παράδειγμα.example",
        "a@xn--mnchen-3ya.example",
        "a@1und1.example",
        "a" * 64 + "@example.com",
    ],
)
def test_an_address_is_taken_as_it_is(address):
    assert clean_email(address) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "@example.com", "a@", "a@@b.example", "a..b@x.example", "a.@x.example", ".a@x.example", "a@x..example",
        "a@.example", "a@x.example.", "a@x-.example", "a@-x.example", "a@x_y.example", "a@example", "a@127.0.0.1",
        "a@[127.0.0.1]", '"a"@x.example', "a b@x.example", "a@x y.example", "a,b@x.example", "a@x.example,b@x.example",
        "a@x.example\nb", "a" * 65 + "@x.example", "ü" * 33 + "@x.example", "a@xn--0.example", "a@" + "x" * 64 + ".example",
        "a@" + ".".join(["x" * 60] * 5), "a\u200db@x.example", "A <a@x.example>", "a@x.1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    assert not is_email(text)


@pytest.mark.parametrize("around", [" {} ", "\u200b{}\u200b", "\u00a0{}", "{}\ufeff", "\t{}\r\n", "\u2060{}\u00ad"])
@pytest.mark.parametrize("address", ["ada@example.com", "ådä@exämple.com"])
def test_what_is_unseen_around_an_address_comes_off(around, address):
    assert clean_email(around.format(address)) == address
    assert email_key(around.format(address)) == email_key(address)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a\u200bb@x.example", "ab@x.example"),
        ("info@ver\u00adlag.example", "info@verlag.example"),
        ("info@\u2060dömäin.example", "info@dömäin.example"),
        ("eva\u200e@x.example", "eva@x.example"),
        ("ｉｎｆｏ＠ｓｈｏｐ．ｅｘａｍｐｌｅ", "info@shop.example"),
        ("info@例子。example", "info@例子.example"),
    ],
)
def test_what_nobody_sees_or_a_keyboard_has_made_of_an_address_is_set_right(typed, meant):
    assert clean_email(typed) == meant
    assert email_key(typed) == email_key(meant)


def test_a_mailbox_has_one_key_however_its_domain_is_written():
    assert email_key("Info@MÜLLER.example") == email_key("info@xn--mller-kva.example") == "info@xn--mller-kva.example"
    assert email_key("a.b+c@example.com") != email_key("ab@example.com")
    assert email_key("u\u0308@example.com") == email_key("Ü@example.com")


@given(st.text(max_size=40) | st.text(alphabet="ab.@-xn1é'", max_size=24))
def test_an_address_has_a_key_that_is_its_own(text):
    key = email_key(text)
    assert key is None or email_key(key) == key
    if is_email(text):
        assert is_email(key)


@pytest.mark.parametrize(
    ("number", "region", "e164"),
    [
        ("(212) 555-0199", "US", "+12125550199"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("044 668 18 00", "CH", "+41446681800"),
        ("01 5880-0", "AT", "+43158800"),
        ("0049 (0)89 123456", "DE", "+4989123456"),
        ("+81 3-1234-5678", "DE", "+81312345678"),
        ("555-0199", "US", None),
        ("112", "DE", None),
        ("911", "US", None),
        ("19222", "DE", None),
        # Of an exchange, and two numbers in one.
        ("1234567", "DE", None),
        ("2345678", "GB", None),
        ("+49 30 123456 / 123457", "DE", None),
        # A spreadsheet has taken the zero off.
        ("1711234567", "DE", "+491711234567"),
        ("06 69812345", "IT", "+390669812345"),
        ("8 (495) 123-45-67", "RU", "+74951234567"),
        ("1 312 555 0142", "US", "+13125550142"),
        ("00000000", "DE", None),
        ("999-999-9999", "US", None),
        ("1111111", "DE", None),
        ("22 22 22 22", "NO", "+4722222222"),
        # The sign before the country's code is what a spreadsheet takes off.
        ("4915112345678", "DE", "+4915112345678"),
        ("905321234567", "TR", "+905321234567"),
        ("8613800138000", "CN", "+8613800138000"),
        ("49 211 2345", "DE", "+49492112345"),
        ("030 123456", None, None),
        ("ask Ada", "DE", None),
        ("030 123456 (privat)", "DE", "+4930123456"),
        ("\u200e+972 50-123-4567\u200e", None, "+972501234567"),
        ("\u202a+972 3 123 4567\u202c", None, "+97231234567"),
        ("6,1234E+11", "DE", None),
    ],
)
def test_e164_is_a_number_that_can_be_dialled_from_abroad(number, region, e164):
    assert phone_key(number, region) == e164


@pytest.mark.parametrize(
    "typed", ["４，９２Ｅ＋１１", "4.91713E+12", "4,9E+11", "1E10", "+3.1e+09", "'4.91713E+12", "2.5 E+12"]
)
def test_a_number_that_a_spreadsheet_has_shortened_is_refused(typed):
    with pytest.raises(Fault, match="spreadsheet"):
        clean_phone(typed)
    assert phone_of(typed, "DE") == (None, None, None)


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("'0171 1", "0171 1"),
        ('="0171 2"', "0171 2"),
        ("'+49 3", "+49 3"),
        ("\uff07+49 5", "+49 5"),
        ("\u2019030 6", "030 6"),
        (" 030 4 ", "030 4"),
        ("493055500011.0", "493055500011"),
        ("493055500011,0", "493055500011"),
        ("493055500011.00", "493055500011"),
    ],
)
def test_guards_of_a_spreadsheet_are_no_part_of_a_number(typed, cleaned):
    assert clean_phone(typed) == cleaned


@pytest.mark.parametrize(
    "extension",
    [
        " ext. 12",
        " x12",
        "x 12",
        " Durchwahl 12",
        ";ext=12",
        " #12",
        " extn 12",
        ", ext 12",
        " DW 12",
        " доб. 12",
        " Klappe 12",
        " Kl. 12",
        " DW-12",
        " Nbst. 12",
        " extension #12",
        " linka 12",
        " ramal 12",
        " tst. 12",
        " anexo 12",
        " 内線12",
        " 내선 12",
        "（内線12）",
        " تحويلة ١٢",
        " Extensión 12",
        " interior 12",
        " linje 12",
        " [12]",
        " ×12",
        "转12",
        " dahili: 12",
        " (ext. 12)",
        ",12",
        " poste 012",
        " שלוחה 12",
        " máy lẻ 12",
    ],
)
def test_an_extension_is_no_part_of_the_number(extension):
    phone = phone_of(f"+49 30 555000{extension}")
    assert phone == ("+4930555000", "4930555000", "12")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("+49 30 555000 ext 1", None), ("030 555000 x1", "DE"), "phone_e164"),
        (("+49 30 555000 ext 1", None), ("+49 30 555000 ext 2", None), None),
        (("+49 30 555000", None), ("+49 30 555000 ext 2", None), "phone_tail"),
        (("+1 212 555 0199", None), ("+44 212 555 0199", None), None),
        (("+1 212 555 0199", None), ("212 555 0199", None), "phone_tail"),
        (("212 555 0199", None), ("(212) 555-0199", None), "phone_tail"),
        (("212 555 0199 x1", None), ("212 555 0199 x2", None), None),
        (("1234", None), ("1234", None), None),
        (("+90 312 123 45 67-11", None), ("0312 123 45 67 dahili 11", "TR"), "phone_e164"),
        (("+90 312 123 45 67 / 11", None), ("+90 312 123 45 67 / 12", None), None),
        (("010 6552 9988-811", "CN"), ("+86 10 6552 9988", None), "phone_tail"),
        (("+1 312 555 0142 - 11", None), ("+1 312 555 0142 x11", None), "phone_e164"),
        (("030 5550-11", "DE"), ("030 5550-12", "DE"), None),
        (("0000000", None), ("0000000", None), None),
    ],
)
def test_how_two_numbers_are_the_same(one, other, same):
    assert same_phone(phone_of(*one), phone_of(*other)) == same
    assert same_phone(phone_of(*other), phone_of(*one)) == same


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("(312) 555-0142 ext. 12", "(312) 555-0142"),
        ("312-555-0142 x12", "312-555-0142"),
        ("0312 1234567 dahili 11", "0312 1234567"),
        ("Tel. 030 5550123", "030 5550123"),
        ("тел: +7 495 123-45-67 доб. 5", "+7 495 123-45-67"),
        ("030 5550123", None),
        ("Hotel 1234567", None),
        ("Order 1234567 x2", None),
        ("123 x4", None),
        ("Ada", None),
    ],
)
def test_a_number_that_is_looked_for_is_found_in_what_was_typed(text, number):
    assert number_in(text) == number


@pytest.mark.parametrize(
    ("number", "region", "extension"),
    [
        ("+90 312 123 45 67-11", None, "11"),
        ("0312 123 45 67 / 011", "TR", "11"),
        ("010 6552 9988-811", "CN", "811"),
        ("030 123456-78", "DE", None),
        ("312-555-0142", "US", None),
        ("+1 312 555 0142 x5", None, "5"),
    ],
)
def test_an_extension_is_told_by_what_the_number_is(number, region, extension):
    assert phone_of(number, region).extension == extension
    assert extension_of(number, phone_of(number, region).e164) == extension


@settings(max_examples=400)
@given(
    code=st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    national=st.text(alphabet="0123456789", max_size=15),
    sign=st.sampled_from(["", " ", "-", "."]),
)
def test_the_short_way_to_a_number_leads_where_the_long_one_does(code, national, sign):
    typed = f"+{code} {sign.join(national)}"
    assert _plain_e164(typed) in (None, _parsed_e164(typed, None))


def test_the_short_way_is_taken_by_usual_numbers():
    for typed in ("+49 30 1234567", "+1 (312) 555-0142", "+44 20 7946 0018", "+41.44.668.18.00", "+43 664 1234567"):
        assert _plain_e164(typed) == _parsed_e164(typed, None) is not None


@given(
    st.text(max_size=30) | st.text(alphabet="0123456789 +-()x", max_size=20), st.sampled_from([None, "DE", "US", "JP"])
)
def test_whatever_is_typed_is_a_number_or_none(typed, region):
    phone = phone_of(typed, region)
    assert phone.e164 is None or phone_key(phone.e164) == phone.e164
    assert phone.tail is None or phone_tail(phone.tail) == phone.tail


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Vereinigtes Königreich", "GB"), ("Royaume-Uni", "GB"), ("UNITED KINGDOM", "GB"), ("u.k.", "GB"),
        ("Belgique", "BE"), ("Belgien", "BE"), ("België", "BE"), ("BEL", "BE"), ("be", "BE"),
        ("Norge", "NO"), ("Suomi", "FI"), ("Ελλάδα", "GR"), ("Україна", "UA"), ("中国", "CN"), ("Brasil", "BR"),
        ("Österreich ", "AT"), ("OESTERREICH", "AT"), ("the United States", "US"), ("Stati Uniti", "US"),
        ("საქართველო", "GE"), ("대한민국", "KR"), ("한국", "KR"), ("ประเทศไทย", "TH"), ("السعودية", "SA"), ("Հայաստան", "AM"),
        ("Korea, Republic of", "KR"), ("Moldova, Republic of", "MD"), ("Schottland", "GB"), ("США", "US"), ("ΗΠΑ", "US"),
        ("Bonn, Germany", None), ("a, b", None),
        ("Atlantis", None), ("", None), (None, None), ("x" * 300, None),
    ],
)  # fmt: skip
def test_a_country_is_understood_in_many_languages(said, code):
    assert country_code(said) == code


def test_the_file_of_countries_is_what_cldr_says():
    assert countries_of_cldr.FILE.read_text(encoding="utf-8") == countries_of_cldr.document()


@pytest.mark.parametrize(
    "page",
    [
        "https://www.instagram.com/firma", "http://fr.linkedin.com/company/x", "xing.com/pages/x", "https://m.youtube.com/@x",
        "https://linktr.ee/x", "https://vk.com/x", "web.whatsapp.com", "https://shop.ebay.de/x", "gmail.com", "tiktok.com/@x",
        "https://calendly.com/x", "https://bsky.app/profile/x", "https://m.me/x", "https://zalo.me/1", "https://shopee.vn/x",
        "https://www.trendyol.com/x", "https://www.gelbeseiten.de/x", "https://allegro.pl/x", "https://2gis.ru/x",
    ],
)  # fmt: skip
def test_where_everybody_has_a_page_says_nothing(page):
    assert says_nothing(domain_key(page))


@pytest.mark.parametrize(
    "page", ["anna.wordpress.com", "firma.myshopify.com", "example.com", "notfacebook.com", "x.example"]
)
def test_a_host_of_ones_own_says_who_it_is(page):
    assert not says_nothing(domain_key(page))


@given(st.text(max_size=40))
def test_a_domain_is_its_own_key(text):
    key = domain_key(text)
    assert key is None or domain_key(key) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("müller.de", "xn--mller-kva.de"),
        ("https://www.MÜLLER.de:8443/über?uns", "xn--mller-kva.de"),
        ("mu\u0308ller.de", "xn--mller-kva.de"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("lac.example/über", "lac.example"),
        ("Info@müller.de", "info@xn--mller-kva.de"),
        ("jörg@müller.de", "jörg@xn--mller-kva.de"),
        # These are their keys already, but for capitals.
        *((text, None) for text in ("xn--mller-kva.de", "Ada@example.com", "Jörg@example.com")),
        # And these are no addresses, or more than one.
        *((text, None) for text in ("", "müller", "Müller GmbH", "see müller.de", "€.de", "@", "ü@")),
    ],
)
def test_an_address_in_another_script_has_a_key_in_ascii(text, key):
    assert ascii_address(text) == key
