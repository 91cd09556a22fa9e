"""`fields=` on a record: less in the answer, and nothing else changes."""

from collections.abc import Callable
from typing import Any

import pytest

from chassis.testing.fixtures import Client


@pytest.fixture
def place(client: Client, create: Callable[..., Any]) -> str:
    return f"/v1/customers/{create(client, name='Ada Lovelace', city='London')['id']}"


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("name,city", {"name": "Ada Lovelace", "city": "London"}),
        ("city,name,city", {"city": "London", "name": "Ada Lovelace"}),
        ("phone", {"phone": None}),
    ],
)
def test_a_record_has_the_fields_that_are_asked_for_in_their_order(
    client: Client, place: str, asked: str, shown: dict[str, Any]
) -> None:
    answer = client.get(f"{place}?fields={asked}")
    assert list(answer.json.items()) == list(shown.items())
    assert answer.headers["ETag"] == '"1"'


def test_who_has_this_version_has_its_fields(client: Client, place: str) -> None:
    assert client.get(f"{place}?fields=name", headers={"If-None-Match": '"1"'}).status_code == 304
    assert client.patch(place, json={"city": "Paris"}, version=1).status_code == 200
    seen = client.get(f"{place}?fields=city", headers={"If-None-Match": '"1"'})
    assert (seen.status_code, seen.json) == (200, {"city": "Paris"})


def test_names_come_with_the_fields_that_name_somebody(client_as: Callable[..., Client], place: str) -> None:
    client = client_as(7, "customers:read members:read")
    answer = client.get(f"{place}?fields=id,created_by&expand=created_by").json
    assert sorted(answer) == ["created_by", "expanded", "id"]
    assert client.get(f"{place}?fields=id&expand=created_by").status_code == 400


@pytest.mark.parametrize("asked", ["", "nmae", "name,", "expanded", "company_id ", "name%00", "*"])
def test_what_is_no_field_is_refused_by_its_name(client: Client, place: str, asked: str) -> None:
    answer = client.get(f"{place}?fields={asked}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")
    assert [error["code"] for error in answer.json["errors"]] == ["unknown_fields"]


def test_fields_are_named_once_as_in_a_list(client: Client, place: str) -> None:
    for path in (place, "/v1/customers"):
        answer = client.get(f"{path}?fields=name&fields=city")
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")
        assert [error["code"] for error in answer.json["errors"]] == ["repeated_parameter"]


def test_a_parameter_is_known_however_it_is_spelled(client_as: Callable[..., Client], place: str) -> None:
    client = client_as(7, "customers:read members:read")
    assert sorted(client.get(f"{place}?%66ields=id,created_by&ex%70and=created_by").json) == [
        "created_by",
        "expanded",
        "id",
    ]
    (listed,) = client.get("/v1/customers?f%69elds=id,created_by&%65xpand=created_by").json["data"]
    assert sorted(listed) == ["created_by", "expanded", "id"]


def test_a_record_that_is_not_there_is_still_not_there(client: Client) -> None:
    assert client.get("/v1/customers/999999999?fields=name").status_code == 404


def test_a_change_answers_with_the_whole_record(client: Client, place: str) -> None:
    assert len(client.patch(f"{place}?fields=name", json={"city": "Paris"}, version=1).json) > 1
