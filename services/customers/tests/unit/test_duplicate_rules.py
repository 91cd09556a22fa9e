"""The rules by which duplicates are found: a company's own where it has any, and never an error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.rules.duplicates import DEFAULT, KEYS, REASONS, WEIGHTS, Rules
from people.domains import FREE_MAIL

RECORD = {
    "email_norm": "ada@acme.example",
    "phone_e164": "+4930123456",
    "phone_tail": "4930123456",
    "name_norm": "ada",
    "domain_norm": "acme.example",
}


def test_every_key_has_a_weight_and_a_reason() -> None:
    assert set(KEYS) == set(REASONS) == set(RECORD)
    assert set(KEYS.values()) == set(WEIGHTS)


def test_a_company_that_has_set_nothing_goes_by_what_everybody_goes_by() -> None:
    assert Rules.of({"duplicates": "block", "visibility": "own"}) == Rules.of(None) == DEFAULT
    assert {key: DEFAULT.likeness([key]).score for key in KEYS} == {
        "email_norm": 95,
        "phone_e164": 80,
        "phone_tail": 60,
        "name_norm": 60,
        "domain_norm": 50,
    }
    assert DEFAULT.telling(RECORD) == RECORD


def test_what_a_company_has_set_counts_and_the_rest_stays() -> None:
    rules = Rules.of({"duplicate_weights": {"name": 99, "phone": 40}, "duplicate_threshold": 70})
    assert rules.threshold == 70
    alike = rules.likeness(["email_norm", "name_norm"])
    assert (alike.score, alike.keys) == (100, ("name_norm", "email_norm"))
    assert [rules.likeness([key]).score for key in ("phone_e164", "phone_tail", "domain_norm")] == [40, 30, 50]


def test_who_turns_phones_off_goes_by_no_part_of_a_number() -> None:
    told = Rules.of({"duplicate_weights": {"phone": 0}}).telling(RECORD)
    assert set(told) == {"email_norm", "name_norm", "domain_norm"}


def test_keys_of_one_weight_are_always_named_in_one_order() -> None:
    rules = Rules.of({"duplicate_weights": dict.fromkeys(WEIGHTS, 70)})
    assert rules.likeness(reversed(KEYS)).keys == ("email_norm", "phone_e164", "name_norm", "domain_norm")


def test_the_least_weight_of_a_phone_leaves_its_end_one() -> None:
    assert Rules.of({"duplicate_weights": {"phone": 1}}).likeness(["phone_tail"]).score == 1


@pytest.mark.parametrize("typed", ["freenet.example", "FreeNet.Example", "www.freenet.example"])
def test_a_domain_of_free_mail_says_nothing_however_it_was_typed(typed: str) -> None:
    rules = Rules.of({"free_mail_domains": [typed]})
    assert rules.telling({"domain_norm": "freenet.example"}) == {}
    assert rules.telling({"domain_norm": "gmail.com"}) == {}
    assert rules.telling({"domain_norm": "acme.example"}) == {"domain_norm": "acme.example"}


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        "warn",
        {"duplicate_weights": None, "duplicate_threshold": None, "free_mail_domains": None},
        {"duplicate_weights": [95], "duplicate_threshold": "50", "free_mail_domains": "acme.example"},
        {"duplicate_weights": {"email": 101, "phone": -1, "name": True, "domain": 12.5, "fax": 7}},
        {"duplicate_threshold": 0, "free_mail_domains": [1, None, "", "no domain", {}]},
        {"duplicate_threshold": 101, "free_mail_domains": {"acme.example": 1}},
    ],
)
def test_damaged_rules_are_those_of_everybody(damaged: Any) -> None:
    assert Rules.of(damaged) == DEFAULT


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(sorted(FREE_MAIL))
)
_ANYTHING = st.recursive(_SCALARS, lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=9), some))
_PERCENT = st.integers(-5, 105)
_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "duplicate_weights": st.dictionaries(st.sampled_from(sorted(WEIGHTS)), _PERCENT | _ANYTHING) | _ANYTHING,
        "duplicate_threshold": _PERCENT | _ANYTHING,
        "free_mail_domains": st.lists(st.sampled_from(["acme.example", "ACME.example", "x.example"])) | _ANYTHING,
    },
)


@given(settings=_SETTINGS | _ANYTHING, shared=st.sets(st.sampled_from(sorted(KEYS)), min_size=1))
def test_whatever_is_set_there_are_rules_that_go_by_no_more_than_everybodys(settings: Any, shared: set[str]) -> None:
    rules = Rules.of(settings)
    assert rules.telling(RECORD).items() <= DEFAULT.telling(RECORD).items()
    assert 1 <= rules.threshold <= 100
    assert 0 <= rules.likeness(shared).score <= 100
