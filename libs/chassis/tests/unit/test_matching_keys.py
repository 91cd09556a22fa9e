"""The matching keys: equal for what is the same however it was typed, and never an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.matching_keys import domain_key, email_key, matching_keys, name_key, phone_key, phone_tail


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("a.d.a+crm@example.com", "a.d.a+crm@example.com"),
        ("ada@münchen.example", "ada@xn--mnchen-3ya.example"),
        ("", None),
        (None, None),
    ],
)
def test_an_email_key_is_its_address_in_lower_case_and_ascii(typed, key):
    assert email_key(typed) == key


@pytest.mark.parametrize(
    ("typed", "region", "key"),
    [
        ("+49 (0)30 123456", None, "+4930123456"),
        ("030 / 12 34 56", "DE", "+4930123456"),
        ("0049 30 123456", "DE", "+4930123456"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("030 123456", None, None),
        ("ask Ada", "DE", None),
        # It parses, and is no number that anybody could have.
        ("+1 555", None, None),
        (None, "DE", None),
    ],
)
def test_a_phone_key_is_e164(typed, region, key):
    assert phone_key(typed, region) == key


def test_the_tail_is_shared_where_the_country_is_missing():
    assert phone_tail("+1 (415) 555-2671") == phone_tail("415.555.2671") == "4155552671"
    assert phone_tail("12-34-56") is None


@pytest.mark.parametrize(
    "typed",
    ["Müller GmbH", "MULLER, GmbH.", "  müller   gmbh", "Mu\u0308ller", "Muller GmbH & Co. KG".replace(" & Co.", "")],
)
def test_a_company_has_one_name_key_however_it_is_written(typed):
    assert name_key(typed) == "muller"


def test_a_name_that_is_nothing_but_a_form_of_company_keeps_it():
    assert name_key("Company") == "company"
    assert name_key("Inc") == "inc"


@pytest.mark.parametrize(
    "typed", ["example.com", "https://www.Example.com/about?x=1", "http://user@example.com:8080", "EXAMPLE.COM/"]
)
def test_a_domain_key_is_the_host(typed):
    assert domain_key(typed) == "example.com"


def test_only_what_is_given_gets_keys():
    assert matching_keys({"city": "Rome"}) == {}
    assert matching_keys({"phone": None}) == {"phone_e164": None, "phone_tail": None}


KEYS = [email_key, phone_key, phone_tail, name_key, domain_key]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.__name__)
@given(typed=st.text(max_size=100))
def test_whatever_is_typed_has_a_key_or_none(key, typed):
    assert key(typed) is None or isinstance(key(typed), str)


@given(
    name=st.text(alphabet=st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x24F), min_size=1, max_size=40)
)
def test_case_spaces_and_suffix_do_not_matter(name):
    assert name_key(f"  {name.lower()} ") == name_key(name) or name_key(name) is None
    key = name_key(name)
    assert key is None or name_key(f"{name} GmbH") == key


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.__name__)
@given(typed=st.text(max_size=40) | st.text(alphabet="abz019ÄßİŠ.@:/-+,& wgmbhinco", max_size=30))
def test_a_key_is_its_own_key(key, typed):
    made = key(typed)
    assert made is None or key(made) == made


@given(
    name=st.text(alphabet=st.characters(categories=["Ll"], max_codepoint=0x17F), min_size=1, max_size=20),
    accents=st.lists(st.sampled_from("\u0300\u0301\u0302\u0308\u030c\u0327"), min_size=1, max_size=3),
    spaces=st.sampled_from([" ", "  ", "\t", "\u00a0", "\n "]),
)
def test_accents_and_the_kind_of_spaces_do_not_matter(name, accents, spaces):
    plain = f"{name} {name} x"
    typed = f"{spaces}{name}{''.join(accents)}{spaces}{name}{spaces}x"
    assert name_key(typed) == name_key(plain)


@given(
    local=st.text(alphabet="abcXYZ019._%+-", min_size=1, max_size=20),
    host=st.from_regex(r"[A-Za-z0-9-]{1,10}\.[A-Za-z]{2,5}", fullmatch=True),
)
def test_case_and_the_spaces_around_an_address_do_not_matter(local, host):
    assert email_key(f"  {local}@{host}\n".upper()) == email_key(f"{local}@{host}".lower())
    assert domain_key(f" HTTPS://WWW.{host}/x ") == domain_key(host)


@given(digits=st.text(alphabet="0123456789", min_size=7, max_size=15))
def test_punctuation_in_a_phone_number_does_not_matter(digits):
    assert phone_tail("-".join(digits)) == phone_tail(f"+{digits}") == phone_tail(digits)
