"""Customers of a deactivated user, handed over by the plan: once, in steps, to those who are active."""

import uuid
from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from chassis.events import decode
from chassis.testing.events import altered
from customers.commands.transfers import TRANSFERS
from customers.handlers import SUBSCRIPTIONS

BOB, EVE, CARL, ZOE = 9, 10, 11, 12


@pytest.fixture
def people(superuser, company_id):
    for user_id in (7, BOB, EVE, CARL, ZOE):
        superuser.execute(
            "INSERT INTO user_refs (company_id, user_id, membership_id, version) VALUES (%s, %s, %s, 1)",
            (company_id, user_id, user_id),
        )


@pytest.fixture
def owned(superuser, company_id, people):
    """Give Bob customers; `archived` of them in the archive."""

    def make(live, archived=0):
        superuser.execute(
            """
            INSERT INTO customers (company_id, customer_code, name, assigned_to, archived_at)
            SELECT %(company)s, 'x' || n, 'x' || n, %(bob)s, CASE WHEN n <= %(archived)s THEN now() END
            FROM generate_series(1, %(all)s) n
            """,
            {"company": company_id, "bob": BOB, "archived": archived, "all": live + archived},
        )

    return make


@pytest.fixture
def deactivate(database, company_id, contracts):
    """Have the handler take identity's published example, about Bob and with this plan; answers the event."""
    example = decode(contracts.example("crm.user_company.deactivated.v1"))

    def take(plan, event=None, version=2):
        after = {**example.data["after"], "user_id": BOB, "transfer_plan": plan}
        event = event or altered(
            example,
            id=str(uuid.uuid4()),
            subject=f"user_companies/{BOB}",
            company_id=company_id,
            aggregate_version=version,
            data={**example.data, "after": after},
        )
        context = Context(company_id=company_id, request_id="the-request", causation_id=event.id)
        with acting_as(context), database.transaction() as session:
            SUBSCRIPTIONS.handlers[event.type](session, event)
        return event

    return take


@pytest.fixture
def owners(superuser, company_id):
    def count():
        query = "SELECT assigned_to, count(*) FROM customers WHERE company_id = %s GROUP BY 1"
        return dict(superuser.execute(query, (company_id,)).fetchall())

    return count


def test_all_live_customers_go_to_one(*, owned, deactivate, database, owners, published, validate_event):
    owned(25, archived=3)
    event = deactivate({"customers": {"to": EVE}})
    TRANSFERS.work(database, Flag())
    assert owners() == {BOB: 3, EVE: 25}
    started, *moved, completed = published()
    assert started["type"] == "crm.customer_transfer.started.v1"
    assert completed["type"] == "crm.customer_transfer.completed.v1"
    assert completed["data"]["after"]["moved"] == len(moved) == 25
    assert {(each["type"], *each["data"]["changed"]) for each in moved} == {("crm.customer.updated.v1", "assigned_to")}
    for each in published():
        assert (each["causationid"], each["correlationid"], each["actor"]) == (event.id, "the-request", None)
        validate_event(each)


@pytest.mark.parametrize("plan", [None, {}, {"customers": {"keep": True}}, {"leads": {"to": EVE}}])
def test_what_is_kept_stays(*, owned, deactivate, database, owners, published, plan):
    owned(3)
    deactivate(plan)
    TRANSFERS.work(database, Flag())
    assert owners() == {BOB: 3}
    assert published() == []
