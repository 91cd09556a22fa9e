"""`expand=`: who those are whom customers name."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client
from customers.schemas.customers import CustomerOut

SCOPE = "customers:read customers:write members:read"
ADA = {"id": 7, "name": "Ada Lovelace", "is_active": True}
BOB = {"id": 8, "name": "Bob Jones", "is_active": False}


@pytest.fixture
def client(client_as: Callable[..., Client], superuser: psycopg.Connection, company_id: int) -> Client:
    client = client_as(7, SCOPE)
    superuser.execute(
        "UPDATE user_refs SET name = CASE user_id WHEN 7 THEN 'Ada Lovelace' ELSE 'Bob Jones' END"
        " WHERE company_id = %s",
        (company_id,),
    )
    return client


@pytest.fixture
def gone(superuser: psycopg.Connection, company_id: int) -> Callable[[], object]:
    """Let the user 8 leave."""
    query = "UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = 8"
    return lambda: superuser.execute(query, (company_id,))


def test_a_record_says_whom_it_names(client: Client, create: Callable[..., Any], gone: Callable[[], Any]) -> None:
    customer = create(client, assigned_to=8)
    gone()
    place = f"/v1/customers/{customer['id']}"
    answer = client.get(f"{place}?expand=assigned_to,created_by")
    assert answer.json == {**customer, "expanded": {"assigned_to": BOB, "created_by": ADA}}
    assert CustomerOut().validate(answer.json) == {}
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == ('"1"', "no-store")
    assert client.get(place).json == customer
