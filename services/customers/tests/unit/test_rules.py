"""What a customer may be, without a server."""

import pytest
from marshmallow import ValidationError

from customers.schemas.customers import CustomerIn, CustomerOut, CustomerPatch
from customers.views import CUSTOMER


def test_the_view_shows_what_the_schema_says():
    assert list(CUSTOMER.columns) == [name for name in CustomerOut().fields if name != "expanded"]


def test_what_the_service_owns_cannot_be_sent():
    owned = {"id", "company_id", "version", "created_by", "created_at", "updated_at", "archived_at", "phone_e164"}
    for schema in (CustomerIn(), CustomerPatch()):
        assert owned & schema.fields.keys() == set()
    assert "customer_code" not in CustomerPatch().fields


@pytest.mark.parametrize("code", ["C-1", "C-000123", "C-99999999"])
def test_a_code_of_the_services_form_is_refused(code):
    with pytest.raises(ValidationError):
        CustomerIn().load({"name": "Ada", "customer_code": code})


@pytest.mark.parametrize("code", ["c-1", "C-1a", "K-1", "AC-1"])
def test_a_code_of_the_clients_own_form_is_taken(code):
    assert CustomerIn().load({"name": "Ada", "customer_code": code})["customer_code"] == code


@pytest.mark.parametrize("schema", [CustomerIn, CustomerPatch])
@pytest.mark.parametrize(
    ("email", "good"),
    [
        ("a.b+c@d-e.example", True),
        ("o'connor@example.ie", True),
        ("jörg@größe.example", True),
        ("a@b", False),
        ("a..b@c.example", False),
        ("a@b..example", False),
        ("a b@c.de", False),
    ],
)
def test_emails_are_told_apart(schema, email, good):
    faults = schema().validate({"name": "Ada", "email": email})
    assert ("email" not in faults) is good


def test_texts_are_cleaned_and_empty_ones_are_nothing():
    given = {
        "name": " Ada\u200b ",
        "city": " ",
        "email": " ada@example.com\u00a0",
        "industry": "",
        "notes": "a\nb ",
        "phone": "'0171 1",
    }
    assert CustomerIn().load(given) == {
        "name": "Ada",
        "city": None,
        "email": "ada@example.com",
        "industry": None,
        "notes": "a\nb",
        "phone": "0171 1",
    }


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u3164", "Anna\nMaria", "a\x07"])
def test_a_name_that_shows_nothing_or_is_no_line_is_refused(name):
    assert CustomerIn().validate({"name": name}).keys() == {"name"}


def test_of_tags_that_are_one_word_the_first_stays():
    assert CustomerIn().load({"name": "Ada", "tags": ["VIP", " vip", "Vip ", "new"]})["tags"] == ["VIP", "new"]


@pytest.mark.parametrize("phone", ["4.91713E+12", "4,9E+11"])
def test_a_number_that_a_spreadsheet_has_shortened_is_refused(phone):
    assert CustomerIn().validate({"name": "Ada", "phone": phone}).keys() == {"phone"}
