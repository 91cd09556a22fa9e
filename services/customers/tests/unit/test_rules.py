"""What a customer may be, without a server."""

import re

import pytest
from marshmallow import ValidationError

from customers import rules
from customers.schemas.customers import CustomerIn, CustomerOut, CustomerPatch
from customers.views import CUSTOMER


def test_the_view_shows_what_the_schema_says():
    assert list(CUSTOMER.columns) == list(CustomerOut().fields)


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


@pytest.mark.parametrize(
    ("email", "good"),
    [("a@b.co", True), ("a.b+c@d-e.example", True), ("a@b", False), ("@b.co", False), ("a b@c.de", False)],
)
def test_emails_are_told_apart(email, good):
    assert bool(re.match(rules.EMAIL_PATTERN, email)) is good
