"""Counts and searches of a tenant beyond its places: refused, whatever they are spelled like, and nothing else is."""

import pytest
from flask.testing import FlaskClient

from chassis.web.places import CostlyPlaces


@pytest.fixture
def full(application, company_id, monkeypatch):
    """The tenant has no place left for what costs much, as though its counts took long."""
    places = CostlyPlaces(1, longest_wait=0.0)
    monkeypatch.setattr(application, "costly_places", places)
    # The refusal is the gateway's too, of every operation, and so in no operation's description.
    monkeypatch.setattr(application, "test_client_class", FlaskClient)
    with places.taken(company_id):
        yield


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    "asked", ["?include=total", "?%69nclude=%74otal", "?limit=1&q=ada", "/facets", "/tags", "/duplicates?include=total"]
)
def test_counts_and_searches_of_a_tenant_have_places_of_their_own(client, client_of, company_id, asked):
    refused = client.get(f"/v1/customers{asked}")
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_at_once")
    assert refused.headers["Retry-After"] == "1"
    # The tenant's other requests go on, and the counts of others.
    assert client.get("/v1/customers?limit=1").status_code == 200
    assert client_of(company_id + 1_000_000).get(f"/v1/customers{asked}").status_code == 200


def test_a_place_is_taken_while_the_request_is_worked_on_and_free_afterwards(application, client, monkeypatch):
    monkeypatch.setattr(application, "costly_places", CostlyPlaces(1, longest_wait=0.0))
    for _ in range(3):
        assert client.get("/v1/customers?include=total").status_code == 200
        assert client.get("/v1/customers?include=all").status_code == 400
