"""What is taken for an event: what no owner's release sends is refused before it gets anywhere."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis import events
from chassis.events import Event, MalformedEvent


def decoded(**changes: Any) -> Event:
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "customers",
        "type": "crm.customer.created.v1",
        "subject": "customers/1",
        "time": "2026-01-01T12:00:00.000001Z",
        "companyid": 1,
        "aggregateversion": 1,
        "data": {"before": None, "after": {"id": 1}, "changed": []},
    }
    return events.decode(json.dumps(attributes | changes).encode())


def test_a_time_is_the_same_moment_in_utc() -> None:
    assert decoded().time == datetime(2026, 1, 1, 12, microsecond=1, tzinfo=UTC)
    assert decoded(time="2026-01-01T14:00:00+02:00").time.isoformat() == "2026-01-01T12:00:00+00:00"


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T00:00:00",
        "infinity",
        "10000-01-01T00:00:00Z",
        # Years that are not within four digits in UTC, where PostgreSQL keeps them all the same.
        "9999-12-31T23:59:59-15:00",
        "0001-01-01T00:00:00+15:00",
        "0001-01-01T00:00:00+23:59",
        "",
        5,
        None,
    ],
)
def test_what_is_no_time_is_refused(time: Any) -> None:
    with pytest.raises(MalformedEvent):
        decoded(time=time)


@pytest.mark.parametrize("name", ["actorip", "useragent", "correlationid", "causationid", "traceparent", "operation"])
@pytest.mark.parametrize("value", [{"a": 1}, ["a"], 5, True])
def test_an_attribute_that_is_no_text_is_refused(name: str, value: Any) -> None:
    assert decoded(**{name: "a text"})
    assert decoded(**{name: None})
    with pytest.raises(MalformedEvent):
        decoded(**{name: value})


@pytest.mark.parametrize("version", [0, -1, 1.5, "1", True, None, 2**63])
def test_a_version_that_is_none_is_refused(version: Any) -> None:
    with pytest.raises(MalformedEvent):
        decoded(aggregateversion=version)
