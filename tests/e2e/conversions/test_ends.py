"""Conversions whose events come twice, late and out of order, that are given up and taken back."""

import pytest

STARTED = "crm.conversion.started.v1"
CANCELLED = "crm.conversion.cancelled.v1"
UNDONE = "crm.conversion.undone.v1"
SUCCEEDED = "crm.conversion_result.succeeded.v1"
TAKEN_BACK = "crm.conversion_result.undone.v1"


@pytest.mark.parametrize("step", ["start", "result"])
def test_a_process_that_dies_before_it_commits_leaves_the_step_to_the_next(saga, step):
    begun = saga.begin(saga.lead())
    saga.deliver("pipeline", STARTED, die=step == "start")
    saga.deliver("customers", SUCCEEDED, die=step == "result")
    assert saga.conversion(begun)["state"] == "completed"
    assert saga.counts() == (1, 1, ["converted"])


def test_events_that_come_twice_and_late_change_nothing(saga):
    saga.begin(saga.lead())
    for _ in range(2):
        saga.deliver("pipeline", STARTED)
    for _ in range(2):
        saga.deliver("customers", SUCCEEDED)
    saga.deliver("pipeline", STARTED)
    saga.deliver("customers", SUCCEEDED)
    assert saga.counts() == (1, 1, ["converted"])
    assert [len(saga.told("customers", SUCCEEDED)), len(saga.told("pipeline", "crm.conversion.completed.v1"))] == [1, 1]


@pytest.mark.parametrize("order", [(STARTED, CANCELLED), (CANCELLED, STARTED)])
def test_cancelling_takes_back_what_customers_did_in_whatever_order_they_hear_of_it(saga, order, refusal):
    lead = saga.lead()
    begun = saga.begin(lead)
    cancelled = saga.pipeline.post(f"/v1/conversions/{begun['id']}/cancel")
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    for event_type in order:
        saga.deliver("pipeline", event_type)
    saga.deliver("customers", TAKEN_BACK)
    if order[0] == STARTED:
        saga.deliver("customers", SUCCEEDED)
    assert saga.conversion(begun)["state"] == "cancelled"
    assert (saga.rows("customers"), saga.rows("deals")) == ([], [])
    assert saga.pipeline.get(f"/v1/leads/{lead['id']}").json == lead
    assert refusal(saga.pipeline.post(f"/v1/conversions/{begun['id']}/cancel")) == (409, "conversion_over")
    saga.begin(lead)


def test_cancelling_after_customers_has_done_its_part(saga):
    begun = saga.begin(saga.lead())
    saga.deliver("pipeline", STARTED)
    assert len(saga.rows("customers")) == 1
    assert saga.pipeline.post(f"/v1/conversions/{begun['id']}/cancel").status_code == 200
    saga.deliver("customers", SUCCEEDED)
    saga.deliver("pipeline", CANCELLED)
    saga.deliver("customers", TAKEN_BACK)
    assert saga.counts() == (0, 0, ["new"])
    assert saga.conversion(begun)["kept"] == []


def test_what_the_last_step_can_no_longer_do_is_taken_back(saga):
    customer, lead = saga.customer(), saga.lead()
    given = {"deal_name": "Ten", "deal_value": "1.00", "customer_id": customer["id"]}
    deal = saga.pipeline.post("/v1/deals", json=given).json
    used = {"use": customer["id"], "fill_blanks": True}
    begun = saga.begin(lead, customer=used, deal={"use": deal["id"]})
    saga.deliver("pipeline", STARTED)
    assert saga.pipeline.post(f"/v1/deals/{deal['id']}/win", json={}).status_code == 200
    saga.deliver("customers", SUCCEEDED)
    waiting = saga.conversion(begun)
    assert (waiting["state"], waiting["error_code"]) == ("converting", "deal_closed")
    saga.deliver("pipeline", CANCELLED)
    saga.deliver("customers", TAKEN_BACK)
    failed = saga.conversion(begun)
    assert (failed["state"], failed["error_code"], failed["kept"]) == ("failed", "deal_closed", [])
    (now,) = saga.rows("customers")
    assert (now["email"], now["version"]) == (None, 3)
    assert saga.states() == ["new"]


def complete(saga, **body):
    lead = saga.lead()
    begun = saga.begin(lead, **body)
    saga.run()
    return lead, saga.conversion(begun)


def undo(saga, done):
    return saga.pipeline.post(f"/v1/conversions/{done['id']}/undo")


def test_undoing_leaves_nothing_of_it(saga, refusal):
    lead, done = complete(saga)
    answer = undo(saga, done)
    assert (answer.status_code, answer.json["state"]) == (200, "undone")
    now = saga.pipeline.get(f"/v1/leads/{lead['id']}").json
    assert (now["status"], now["stage_id"], now["reopen_count"]) == ("new", lead["stage_id"], 1)
    assert (now["converted_at"], now["converted_customer_id"], now["converted_deal_id"]) == (None, None, None)
    saga.deliver("pipeline", UNDONE)
    saga.deliver("customers", TAKEN_BACK)
    assert saga.counts() == (0, 0, ["new"])
    assert saga.conversion(done)["kept"] == []
    assert refusal(undo(saga, done)) == (409, "conversion_over")


def test_a_customer_that_has_another_deal_by_now_is_kept(saga):
    _, done = complete(saga)
    given = {"deal_name": "Another", "deal_value": "1.00", "customer_id": done["customer_id"]}
    assert saga.pipeline.post("/v1/deals", json=given).status_code == 201
    assert undo(saga, done).status_code == 200
    saga.deliver("pipeline", UNDONE)
    saga.deliver("customers", TAKEN_BACK)
    assert saga.counts() == (1, 1, ["new"])
    assert saga.conversion(done)["kept"] == ["/customer"]


def test_a_conversion_that_somebody_has_worked_on_with_is_not_undone(saga, refusal):
    lead, done = complete(saga)
    path = f"/v1/deals/{done['deal_id']}"
    assert saga.pipeline.patch(path, json={"notes": "x"}, version=1).status_code == 200
    assert refusal(undo(saga, done)) == (409, "conversion_changed")
    lead, done = complete(saga)
    assert saga.pipeline.delete(f"/v1/leads/{lead['id']}", version=2).status_code == 204
    assert refusal(undo(saga, done)) == (409, "conversion_changed")


def test_a_conversion_is_undone_for_thirty_days(saga, refusal):
    _, done = complete(saga)
    saga.superusers["pipeline"].execute(
        "UPDATE conversions SET finished_at = finished_at - interval '30 days 1 minute' WHERE id = %s", (done["id"],)
    )
    assert refusal(undo(saga, done)) == (409, "conversion_over")


def test_two_who_undo_at_once_undo_once(saga, scoped, at_once):
    _, done = complete(saga)
    clients = [scoped()["pipeline"] for _ in range(4)]
    path = f"/v1/conversions/{done['id']}/undo"
    answers = at_once(*[lambda c=client: c.post(path) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(saga.told("pipeline", UNDONE)) == 1
