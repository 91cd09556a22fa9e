"""Customers of a deactivated user, handed over by the plan: once, in steps, to those who are active."""

import threading
import uuid
from dataclasses import replace
from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from chassis.events import decode
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
        event = event or replace(
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
    owned(250, archived=3)
    event = deactivate({"customers": {"to": EVE}})
    TRANSFERS.work(database, Flag())
    assert owners() == {BOB: 3, EVE: 250}
    started, *moved, completed = published()
    assert started["type"] == "crm.customer_transfer.started.v1"
    assert completed["type"] == "crm.customer_transfer.completed.v1"
    assert completed["data"]["after"]["moved"] == len(moved) == 250
    assert {(each["type"], *each["data"]["changed"]) for each in moved} == {("crm.customer.updated.v1", "assigned_to")}
    for each in published():
        assert (each["causationid"], each["correlationid"], each["actor"]) == (event.id, "the-request", None)
        validate_event(each)


def test_in_turn_means_evenly_over_all_steps(owned, deactivate, database, owners):
    owned(250)
    deactivate({"customers": {"round_robin": [EVE, CARL, ZOE]}})
    TRANSFERS.work(database, Flag())
    assert owners() == {EVE: 84, CARL: 83, ZOE: 83}


@pytest.mark.parametrize("plan", [None, {}, {"customers": {"keep": True}}, {"leads": {"to": EVE}}])
def test_what_is_kept_stays(*, owned, deactivate, database, owners, published, plan):
    owned(3)
    deactivate(plan)
    TRANSFERS.work(database, Flag())
    assert owners() == {BOB: 3}
    assert published() == []


def test_the_same_event_again_has_no_effect(owned, deactivate, database, owners, published):
    owned(5)
    event = deactivate({"customers": {"to": EVE}})
    deactivate(None, event)
    TRANSFERS.work(database, Flag())
    before = published()
    deactivate(None, event)
    TRANSFERS.work(database, Flag())
    assert owners() == {EVE: 5}
    assert published() == before


class DiedError(Exception):
    """The process ended here."""


def take_a_step_and_die(database, company_id, transfer_id):
    with acting_as(Context(company_id=company_id)), database.transaction() as session:
        assert TRANSFERS.step(session, transfer_id)
        raise DiedError


def test_a_job_that_dies_between_steps_goes_on_where_it_was(
    *, owned, deactivate, database, owners, published, company_id
):
    owned(250)
    deactivate({"customers": {"round_robin": [EVE, CARL]}})
    with acting_as(Context(company_id=company_id)), database.transaction() as session:
        (pending,) = [each for each in TRANSFERS.waiting.find(session) if each.context.company_id == company_id]
        assert TRANSFERS.step(session, pending.id)
    assert owners() == {BOB: 150, EVE: 50, CARL: 50}

    with pytest.raises(DiedError):
        take_a_step_and_die(database, company_id, pending.id)
    assert owners() == {BOB: 150, EVE: 50, CARL: 50}
    TRANSFERS.work(database, Flag())
    assert owners() == {EVE: 125, CARL: 125}
    assert sum(each["type"] == "crm.customer.updated.v1" for each in published()) == 250


def test_two_workers_at_once_hand_over_each_customer_once(owned, deactivate, database, owners, published):
    owned(250)
    deactivate({"customers": {"round_robin": [EVE, CARL]}})
    threads = [threading.Thread(target=TRANSFERS.work, args=(database, Flag())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    TRANSFERS.work(database, Flag())
    assert owners() == {EVE: 125, CARL: 125}
    types = [each["type"] for each in published()]
    assert types.count("crm.customer.updated.v1") == 250
    assert types.count("crm.customer_transfer.completed.v1") == 1


def test_nobody_who_is_inactive_by_now_gets_a_customer(*, owned, deactivate, database, owners, superuser, company_id):
    owned(6)
    deactivate({"customers": {"round_robin": [EVE, CARL]}})
    superuser.execute(
        "UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = %s", (company_id, EVE)
    )
    TRANSFERS.work(database, Flag())
    assert owners() == {CARL: 6}


def test_without_an_active_target_the_customers_stay_and_the_transfer_ends(
    *, owned, deactivate, database, owners, published, superuser, company_id
):
    owned(6)
    deactivate({"customers": {"to": EVE}})
    superuser.execute(
        "UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = %s", (company_id, EVE)
    )
    TRANSFERS.work(database, Flag())
    assert owners() == {BOB: 6}
    assert [each["type"] for each in published()][-1] == "crm.customer_transfer.completed.v1"


def test_who_is_active_again_keeps_what_has_not_gone_yet(
    *, owned, deactivate, database, owners, published, superuser, company_id
):
    owned(6)
    deactivate({"customers": {"to": EVE}})
    superuser.execute("UPDATE user_refs SET is_active = true WHERE company_id = %s AND user_id = %s", (company_id, BOB))
    TRANSFERS.work(database, Flag())
    assert owners() == {BOB: 6}
    assert published()[-1]["data"]["after"]["moved"] == 0


def test_a_target_of_whom_nothing_is_known_yet_is_waited_for(
    *, owned, deactivate, database, owners, superuser, company_id
):
    owned(2)
    deactivate({"customers": {"to": 4711}})
    TRANSFERS.work(database, Flag())
    assert owners() == {BOB: 2}
    superuser.execute("INSERT INTO user_refs (company_id, user_id) VALUES (%s, 4711)", (company_id,))
    TRANSFERS.work(database, Flag())
    assert owners() == {4711: 2}


def test_a_transfer_that_fails_holds_up_no_other(*, owned, deactivate, database, owners, superuser, company_id):
    owned(2)
    superuser.execute(
        "INSERT INTO user_refs (company_id, user_id) VALUES (%(c)s, 1), (%(c)s, 2)", {"c": company_id + 10**9}
    )
    superuser.execute(
        "INSERT INTO customer_transfers (company_id, user_id, targets, event_id, correlation_id)"
        " VALUES (%s, 1, '[\"nobody\"]', gen_random_uuid(), 'broken')",
        (company_id + 10**9,),
    )
    deactivate({"customers": {"to": EVE}})
    TRANSFERS.work(database, Flag())
    assert owners() == {EVE: 2}
    superuser.execute("DELETE FROM customer_transfers WHERE correlation_id = 'broken'")
