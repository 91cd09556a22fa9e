"""What comes of a company that was purged is left aside, whoever else an event in the same transaction is of."""

from dataclasses import replace

from chassis.broker.subscriptions import Subscriptions
from chassis.events import EventType
from chassis.testing.waiting import wait_until

UPDATED = EventType("customer", "updated", "customers")


def test_what_comes_late_of_a_company_that_was_purged_has_no_effect(stage):
    other = replace(stage, company=next(stage.companies))
    subscriptions = Subscriptions(
        bindings=(f"{stage.company}.#", f"{other.company}.#"), handlers={UPDATED.name: stage.effect}
    )
    stage.declare(subscriptions)
    stage.sql(
        "INSERT INTO company_purges (company_id, event_id, correlation_id)"
        " VALUES (%s, gen_random_uuid(), 'request-1') RETURNING id",
        stage.company,
    )
    # By itself, after a failure, and in one transaction with what others tell.
    with stage.running(stage.consumer(subscriptions)):
        stage.publish(stage.body())
        wait_until(lambda: stage.sql("SELECT count(*) FROM inbox") == [(1,)])
        stage.publish(stage.body(2))
        other.publish(other.body(3))
        wait_until(lambda: stage.sql("SELECT count(*) FROM inbox") == [(3,)])
    assert stage.sql("SELECT company_id, record_id FROM effects") == [(other.company, 3)]
    assert stage.failed() == []
