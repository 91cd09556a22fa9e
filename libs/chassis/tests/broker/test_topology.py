"""Topology: declared twice without change, and loud about whatever is not as it should be."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.broker import topology
from chassis.broker.retries import RETRIES, RetryDelay, RetrySchedule


def test_declaring_again_changes_nothing(stage):
    topology.declare(stage.broker_url, stage.service, stage.subscriptions())
    topology.declare(stage.broker_url, stage.service, stage.subscriptions())
    topology.check(stage.broker_url, stage.service, consumes=True)


def test_a_missing_queue_is_named(stage):
    topology.declare(stage.broker_url, stage.service, None)
    topology.check(stage.broker_url, stage.service, consumes=False)
    with pytest.raises(topology.TopologyError, match=rf"{stage.service}\.events does not exist"):
        topology.check(stage.broker_url, stage.service, consumes=True)


def test_other_arguments_are_refused_and_named(stage):
    stage.declare()
    other = RetrySchedule(delays=(RetryDelay("short", timedelta(seconds=7)),), steps=(0,))
    with pytest.raises(topology.TopologyError, match=r"retry\.short exists on the broker with other arguments"):
        topology.declare(stage.broker_url, stage.service, stage.subscriptions(), retries=other)


def test_a_consumer_without_its_queue_does_not_start(stage):
    with pytest.raises(topology.TopologyError):
        stage.consumer().run(threading.Event(), lambda: None)


def test_the_ladder_gives_up_after_eight_attempts_and_about_seventy_minutes():
    waits = [RETRIES.delay_after(attempt) for attempt in range(1, 8)]
    assert sum((delay.delay for delay in waits), timedelta()) == timedelta(minutes=72, seconds=30)
    assert RETRIES.delay_after(8) is None
    assert replace(RETRIES, steps=()).delay_after(1) is None
