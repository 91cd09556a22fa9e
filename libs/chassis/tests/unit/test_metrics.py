"""Counters by result are there before the first event: an alert on their rise would miss it otherwise."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY, Counter

from chassis import metrics
from chassis.broker.consumer import Consumer
from chassis.broker.relay import Relay
from chassis.broker.schedules import Schedule, Scheduler, Turns
from chassis.broker.subscriptions import Subscriptions
from chassis.db.session import Database
from chassis.service_client import ServiceClient

SUBSCRIPTIONS = Subscriptions(bindings=("crm.x.*.v1",), handlers={"crm.x.created.v1": lambda *_: None})
LABELLED = (metrics.RELAY_FAILURES, metrics.CONSUMER_EVENTS, metrics.SCHEDULE_RUNS, metrics.SERVICE_REQUESTS)


@pytest.fixture
def fresh() -> None:
    """No series of any of them, as in a process that has just begun."""
    for counter in LABELLED:
        counter.clear()


@pytest.mark.usefixtures("fresh")
def test_every_result_is_counted_from_zero() -> None:
    database = Database("postgresql://")
    Consumer(
        effects=database,
        notes=database,
        broker_url="",
        service="x",
        subscriptions=SUBSCRIPTIONS,
    )
    Relay("", "", "x")
    Scheduler(Schedule("tidy", timedelta(hours=1), lambda *_: None), database, Turns(""))
    ServiceClient("identity", "http://identity", "key")
    wanted = (
        ("crm_consumer_events_total", {"result": "dead"}),
        ("crm_consumer_events_total", {"result": "handled"}),
        ("crm_relay_failures_total", {"outcome": "refused"}),
        ("crm_relay_failures_total", {"outcome": "lost"}),
        ("crm_schedule_runs_total", {"job": "tidy", "result": "failed"}),
        ("crm_service_requests_total", {"service": "identity", "result": "failed"}),
    )
    assert {REGISTRY.get_sample_value(name, labels) for name, labels in wanted} == {0.0}


def test_showing_a_series_again_keeps_its_count() -> None:
    counter = Counter("crm_test_rises", "For this test.", ["job", "result"], registry=None)
    metrics.show_from_zero(counter, ("done", "failed"), "tidy")
    counter.labels("tidy", "failed").inc()
    metrics.show_from_zero(counter, ("done", "failed"), "tidy")
    assert [counter.labels("tidy", result)._value.get() for result in ("done", "failed")] == [0.0, 1.0]
