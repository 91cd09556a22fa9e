"""What is taken for an event: what no owner's release sends is refused before it gets anywhere."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import defstruct
from msgspec.json import Decoder

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


def test_a_version_of_another_specification_is_refused() -> None:
    for version in ("0.3", "", 1.0, None):
        with pytest.raises(MalformedEvent):
            decoded(specversion=version)


@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "time", "companyid", "aggregateversion", "data"])
def test_an_attribute_that_is_missing_or_empty_is_refused(name: str) -> None:
    for value in ("", None, {}, []):
        if (name, value) != ("data", {}):
            with pytest.raises(MalformedEvent):
                decoded(**{name: value})
    attributes = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "x", "type": "crm.x.y.v1", "subject": "x/1"}
    attributes |= {"time": "2026-01-01T12:00:00Z", "companyid": 1, "aggregateversion": 1, "data": {}}
    assert events.decode(json.dumps(attributes).encode())
    del attributes[name]
    with pytest.raises(MalformedEvent):
        events.decode(json.dumps(attributes).encode())


@pytest.mark.parametrize("actor", ["0", "-1", "x", "", "1.5", str(2**63), 5, True, ["1"]])
def test_an_actor_who_is_nobody_is_refused(actor: Any) -> None:
    assert decoded(actor="17").actor == 17
    assert decoded(actor=None).actor is None
    with pytest.raises(MalformedEvent):
        decoded(actor=actor)


@pytest.mark.parametrize(
    "subject", ["customers", "customers/", "customers/0", "customers/-1", f"customers/{2**63}", "/x"]
)
def test_a_subject_without_a_record_is_refused(subject: str) -> None:
    with pytest.raises(MalformedEvent):
        decoded(subject=subject)


def test_an_id_is_written_one_way() -> None:
    number = uuid.uuid4()
    assert decoded(id=str(number).upper()).id == str(number)
    with pytest.raises(MalformedEvent):
        decoded(id=str(number)[:-1])


def test_no_attribute_of_an_envelope_stands_for_what_is_read_from_it() -> None:
    event = decoded(content={"after": 1}, actortext="5", _data={"after": 1}, documents=1, __dict__={"data": 1})
    assert event.data["after"] == {"id": 1}
    assert event.actor is None


def test_documents_are_the_texts_that_came() -> None:
    body = json.dumps({"specversion": "1.0", "id": str(uuid.uuid4()), "source": "x", "type": "crm.x.y.v1"})[:-1]
    body += ', "subject": "x/1", "time": "2026-01-01T12:00:00Z", "companyid": 1, "aggregateversion": 1, "data": %s}'
    event = events.decode(
        (body % '{"after": {"price": 1.10, "note": "\\u00e4"}, "before": null, "more": [1]}').encode()
    )
    assert event.documents() == (None, b'{"price": 1.10, "note": "\\u00e4"}')
    assert event.data == {"after": {"price": 1.1, "note": "ä"}, "before": None, "more": [1]}
    assert events.decode((body % "{}").encode()).documents() == (None, None)


@pytest.mark.parametrize("after", ['"\\ud800"', '{"name": "\\ud800"}'])
def test_data_that_cannot_be_read_is_malformed(after: str) -> None:
    body = json.dumps({"specversion": "1.0", "id": str(uuid.uuid4()), "source": "x", "type": "crm.x.y.v1"})[:-1]
    body += ', "subject": "x/1", "time": "2026-01-01T12:00:00Z", "companyid": 1, "aggregateversion": 1'
    with pytest.raises(MalformedEvent):
        events.decode(f'{body}, "data": {{"after": {after}}}}}'.encode()).data  # noqa: B018  # It is read when asked for.
    with pytest.raises(MalformedEvent):
        events.decode(f'{body}, "data": {{"after": {{"name": "\u00e4"}}}}}}'.encode("latin-1"))
    for broken in ('{"after": {}', '{"after": tru}', '{"after": {"a" 1}}', '{"after": ' + "[" * 100_000 + "}"):
        with pytest.raises(MalformedEvent):
            events.decode(f'{body}, "data": {broken}}}'.encode())


def test_as_much_of_a_record_is_read_as_is_asked_for() -> None:
    named = Decoder(defstruct("named", [("name", Any, None)]))
    event = decoded(data={"after": {"name": "Ann", "more": [{"a": 1}]}})
    assert event.after_as(named).name == "Ann"
    assert decoded(data={"after": {}}).after_as(named).name is None
    assert decoded(data={"before": {}}).after_as(named) is None
    for after in ("text", 5, []):
        with pytest.raises(MalformedEvent):
            decoded(data={"after": after}).after_as(named)
