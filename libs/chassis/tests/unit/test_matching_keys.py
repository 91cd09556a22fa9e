"""The matching keys of a record; what each key is, the tests of `people` say."""

import pytest

from chassis.matching_keys import matching_keys


def test_only_what_is_given_gets_keys():
    assert matching_keys({"city": "Rome"}) == {}
    assert matching_keys({"phone": None}) == {"phone_e164": None, "phone_tail": None}
    assert matching_keys({"name": None}) == {"name_norm": None, "name_two": None}


@pytest.mark.parametrize(
    ("values", "e164"),
    [
        ({"phone": "0113 496 0180", "country": "Great Britain"}, "+441134960180"),
        ({"phone": "044 668 18 00", "country": "Suisse"}, "+41446681800"),
        ({"phone": "01 5880 100", "country": "AT"}, "+4315880100"),
        ({"phone": "030 123456"}, "+4930123456"),
        ({"phone": "030 123456", "country": ""}, "+4930123456"),
        ({"phone": "030 123456", "country": "Atlantis"}, None),
        ({"phone": "+81 3-1234-5678", "country": "Atlantis"}, "+81312345678"),
    ],
)
def test_a_number_is_from_the_records_own_country(values, e164):
    assert matching_keys(values, "DE")["phone_e164"] == e164


def test_a_change_of_country_changes_the_number():
    before = {"phone": "0113 496 0180", "country": "Germany"}
    assert matching_keys({"country": "UK"}, "DE", before)["phone_e164"] == "+441134960180"
    assert matching_keys({"phone": "020 7946 0018"}, "DE", before | {"country": "GB"})["phone_e164"] == "+442079460018"


def test_a_name_with_two_spellings_has_two_keys():
    assert matching_keys({"name": "Löwe"}) == {"name_norm": "lowe", "name_two": "loewe"}
    assert matching_keys({"name": "Delta Bau AG"}, firm=True)["name_norm"] == "delta bau"
