"""Records of a deactivated user, handed over by the plan: once, in steps, to those who are active."""

from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from sample.commands.transfers import TRANSFERS

BOB, EVE, CARL, ZOE = 9, 10, 11, 12


@pytest.fixture
def owned(fill, known):
    """Give Bob books; the newest are in the archive."""

    def make(live, archived=0):
        known(7, BOB, EVE, CARL, ZOE)
        fill(live + archived, assigned_to=str(BOB), archived_at=f"CASE WHEN n <= {archived} THEN now() END")

    return make


@pytest.fixture
def deactivate(hear_of_user):
    """Have the service hear that Bob was deactivated, with this plan."""
    return lambda plan: hear_of_user("deactivated", 2, BOB, BOB, status="deactivated", transfer_plan=plan)


@pytest.fixture
def work(database):
    return lambda: TRANSFERS.work(database, Flag())


@pytest.fixture
def owners(superuser, company_id):
    def count():
        query = "SELECT assigned_to, count(*) FROM books WHERE company_id = %s GROUP BY 1"
        return dict(superuser.execute(query, (company_id,)).fetchall())

    return count


@pytest.fixture
def told(published):
    """The events but that of the shelf."""
    return lambda: published()[1:]


def test_all_that_is_live_goes_to_one(*, owned, deactivate, work, owners, told):
    owned(250, archived=3)
    event = deactivate({"books": {"to": EVE}})
    work()
    assert owners() == {BOB: 3, EVE: 250}
    started, *moved, completed = told()
    assert started["type"] == "crm.book_transfer.started.v1"
    assert completed["type"] == "crm.book_transfer.completed.v1"
    assert completed["data"]["after"]["moved"] == len(moved) == 250
    assert {(each["type"], *each["data"]["changed"]) for each in moved} == {("crm.book.updated.v1", "assigned_to")}
    for each in told():
        assert (each["causationid"], each["correlationid"], each["actor"]) == (event.id, "the-request", None)


def test_in_turn_means_evenly_over_all_steps(owned, deactivate, work, owners):
    owned(250)
    deactivate({"books": {"round_robin": [EVE, CARL, ZOE]}})
    work()
    assert owners() == {EVE: 84, CARL: 83, ZOE: 83}


@pytest.mark.parametrize("plan", [None, {}, {"books": {"keep": True}}, {"films": {"to": EVE}}])
def test_what_is_kept_stays(*, owned, deactivate, work, owners, told, plan):
    owned(3)
    deactivate(plan)
    work()
    assert (owners(), told()) == ({BOB: 3}, [])


def test_the_same_event_again_has_no_effect(*, owned, deactivate, hear, work, owners, told):
    owned(5)
    event = deactivate({"books": {"to": EVE}})
    hear("user_company.deactivated", BOB, 2, again=event)
    work()
    before = told()
    hear("user_company.deactivated", BOB, 2, again=event)
    work()
    assert (owners(), told()) == ({EVE: 5}, before)


class DiedError(Exception):
    """The process ended here."""


def test_a_job_that_dies_between_steps_goes_on_where_it_was(
    *, owned, deactivate, database, work, owners, told, company_id
):
    owned(250)
    deactivate({"books": {"round_robin": [EVE, CARL]}})
    with acting_as(Context(company_id=company_id)), database.transaction() as session:
        (pending,) = [each for each in TRANSFERS.waiting.find(session) if each.context.company_id == company_id]
        assert TRANSFERS.step(session, pending.id)
    assert owners() == {BOB: 150, EVE: 50, CARL: 50}
    with pytest.raises(DiedError), acting_as(Context(company_id=company_id)), database.transaction() as session:  # noqa: PT012  # The death.
        assert TRANSFERS.step(session, pending.id)
        raise DiedError
    assert owners() == {BOB: 150, EVE: 50, CARL: 50}
    work()
    assert owners() == {EVE: 125, CARL: 125}
    assert [each["type"] for each in told()].count("crm.book.updated.v1") == 250


def test_two_workers_at_once_hand_over_each_record_once(*, owned, deactivate, work, owners, told, at_once):
    owned(250)
    deactivate({"books": {"round_robin": [EVE, CARL]}})
    at_once(work, work)
    work()
    assert owners() == {EVE: 125, CARL: 125}
    types = [each["type"] for each in told()]
    assert types.count("crm.book.updated.v1") == 250
    assert types.count("crm.book_transfer.completed.v1") == 1


def test_nobody_who_is_inactive_by_now_gets_a_record(*, owned, deactivate, work, owners, known):
    owned(6)
    deactivate({"books": {"round_robin": [EVE, CARL]}})
    known(EVE, active=False)
    work()
    assert owners() == {CARL: 6}


def test_without_an_active_target_all_stays_and_the_transfer_ends(*, owned, deactivate, work, owners, told, known):
    owned(6)
    deactivate({"books": {"to": EVE}})
    known(EVE, active=False)
    work()
    assert (owners(), told()[-1]["type"]) == ({BOB: 6}, "crm.book_transfer.completed.v1")


def test_who_is_active_again_keeps_what_has_not_gone_yet(*, owned, deactivate, work, owners, told, known):
    owned(6)
    deactivate({"books": {"to": EVE}})
    known(BOB)
    work()
    assert (owners(), told()[-1]["data"]["after"]["moved"]) == ({BOB: 6}, 0)


def test_a_target_of_whom_nothing_is_known_yet_is_waited_for(*, owned, deactivate, work, owners, known):
    owned(2)
    deactivate({"books": {"to": 4711}})
    work()
    assert owners() == {BOB: 2}
    known(4711)
    work()
    assert owners() == {4711: 2}


def test_a_transfer_that_fails_holds_up_no_other(*, owned, deactivate, work, owners, known, superuser, company_id):
    owned(2)
    known(1, 2, company=company_id + 10**9)
    superuser.execute(
        "INSERT INTO book_transfers (company_id, user_id, targets, event_id, correlation_id)"
        " VALUES (%s, 1, '[\"nobody\"]', gen_random_uuid(), 'broken')",
        (company_id + 10**9,),
    )
    deactivate({"books": {"to": EVE}})
    work()
    assert owners() == {EVE: 2}
    superuser.execute("DELETE FROM book_transfers WHERE correlation_id = 'broken'")
