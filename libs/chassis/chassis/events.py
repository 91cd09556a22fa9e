"""The envelope of a domain event: CloudEvents 1.0, structured JSON, built once and sent byte for byte."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar

import orjson
import uuid_utils
from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

from chassis.context import Context

CONTENT_TYPE = "application/cloudevents+json"
NULL = b"null"
_NOTHING, _OBJECT = Raw(NULL), ord("{")
Kind = TypeVar("Kind")
_LARGEST = 2**63 - 1
_Text = Annotated[str, Meta(min_length=1)]
_Positive = Annotated[int, Meta(ge=1, le=_LARGEST)]


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event that a service publishes: `EventType("customer", "updated", table="customers")`."""

    entity: str
    action: str
    table: str
    version: int = 1

    @property
    def name(self) -> str:
        """The CloudEvents `type`, for instance `crm.customer.updated.v1`."""
        return f"crm.{self.entity}.{self.action}.v{self.version}"

    def routing_key(self, company_id: int) -> str:
        """The key on the topic exchange; it opens with the tenant so that an outsider's bindings can be confined."""
        return f"{company_id}.{self.entity}.{self.action}.v{self.version}"


# The one event that every service publishes: somebody with a valid token was refused. No table has its record.
ACCESS_DENIED = EventType("access", "denied", table="access_denials")


class Event(Struct, kw_only=True, dict=True, rename=lambda name: name.replace("_", "")):
    """An event as a consumer sees it. `data` holds `before`, `after` and `changed`."""

    specversion: Literal["1.0"]
    id: str
    source: _Text
    type: _Text
    subject: _Text
    time: datetime
    company_id: _Positive
    aggregate_version: _Positive
    content: Raw = field(name="data")
    actor_text: str | None = field(name="actor", default=None)
    actor_ip: str | None = None
    user_agent: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    operation: str | None = None

    def __post_init__(self) -> None:
        """Check what no type says. Raises what `decode` turns into MalformedEvent."""
        self.id = str(uuid_utils.UUID(self.id))
        self.time = _in_utc(self.time)
        if self.record_id <= 0 or self.record_id > _LARGEST or not self.action:
            raise ValueError("a record's id and an action are wanted")
        if (actor := self.actor) is not None and not 0 < actor <= _LARGEST:
            raise ValueError("an actor is a positive 63-bit integer")
        if memoryview(self.content)[0] != _OBJECT:
            raise ValueError("data is no object")

    @cached_property
    def data(self) -> dict[str, Any]:
        """The event's data, which is parsed when it is asked for. Raises MalformedEvent."""
        try:
            parsed: dict[str, Any] = orjson.loads(memoryview(self.content))
        except ValueError as error:
            raise MalformedEvent(f"malformed data: {error}") from error
        return parsed

    def documents(self) -> tuple[bytes | None, bytes | None]:
        """The record before and after, as the JSON texts that they are in the event. Raises MalformedEvent."""
        found = self._documents()
        return _text_of(found.before), _text_of(found.after)

    def after_as(self, kind: Decoder[Kind]) -> Kind | None:
        """As much of the record after it as `kind` reads; None where there is none. Raises MalformedEvent."""
        after = self._documents().after
        try:
            return None if after == _NOTHING else kind.decode(after)
        except (ValueError, RecursionError) as error:
            raise MalformedEvent(f"malformed record: {error}") from error

    def _documents(self) -> "_Documents":
        try:
            return _DOCUMENTS.decode(self.content)
        except (ValueError, RecursionError) as error:
            raise MalformedEvent(f"malformed data: {error}") from error

    @property
    def actor(self) -> int | None:
        """The user who did it."""
        return None if self.actor_text is None else int(self.actor_text)

    @property
    def table(self) -> str:
        """The table that the changed record lives in: the first part of the subject."""
        return self.subject.partition("/")[0]

    @property
    def record_id(self) -> int:
        """The changed record's id: the second part of the subject."""
        return int(self.subject.partition("/")[2])

    @property
    def action(self) -> str:
        """What happened, in the past tense: the third part of the type."""
        return self.type.split(".")[2]


class _Documents(Struct, gc=False):
    before: Raw = _NOTHING
    after: Raw = _NOTHING


_EVENT = Decoder(Event)
_DOCUMENTS = Decoder(_Documents)


class MalformedEvent(Exception):
    """A message that is no event of ours; retrying cannot mend it."""


def new_id() -> str:
    """A UUIDv7 (RFC 9562): unique, and ordered by time, which keeps the indexes on it narrow."""
    return str(uuid_utils.uuid7())


def encode(
    event_type: EventType,
    *,
    source: str,
    event_id: str,
    occurred_at: datetime,
    record_id: int,
    aggregate_version: int,
    context: Context,
    before: bytes | None,
    after: bytes | None,
    changed: Sequence[str],
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """The bytes of the event, ready to be stored and sent.

    `before` and `after` are JSON texts of the record (or None): PostgreSQL made them, and they are spliced in
    unparsed. `context` gives the tenant, the actor and the chain of causes; `more` are further members of the data.
    """
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": event_type.name,
        "subject": f"{event_type.table}/{record_id}",
        "time": occurred_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "companyid": context.company_id,
        "aggregateversion": aggregate_version,
        "actor": None if context.user_id is None else str(context.user_id),
        "actorip": context.client_ip,
        "useragent": context.user_agent,
        "correlationid": context.request_id,
        "causationid": context.causation_id,
        "traceparent": context.traceparent,
    }
    if context.operation is not None:
        attributes["operation"] = context.operation
    return b'%s,"data":{"before":%s,"after":%s,"changed":%s%s}}' % (
        orjson.dumps(attributes)[:-1],
        before or NULL,
        after or NULL,
        orjson.dumps(list(changed)),
        b"," + orjson.dumps(more)[1:-1] if more else b"",
    )


def decode(body: bytes) -> Event:
    """Parse and check an envelope. Unknown attributes are ignored; raises MalformedEvent for anything amiss.

    Of the data it is looked whether it is JSON, in UTF-8: most consumers need little of it, or nothing.
    """
    try:
        body.decode()
        return _EVENT.decode(body)
    except (ValueError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise MalformedEvent(f"malformed event: {type(error).__name__}: {error}") from error


def moment(value: str) -> datetime:
    """A time as records have them, in UTC. Raises ValueError, TypeError or OverflowError.

    PostgreSQL takes more than this, such as `infinity` and years of five digits, and nobody could read it then.
    """
    return _in_utc(datetime.fromisoformat(value))


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time with its zone is wanted")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _text_of(document: Raw) -> bytes | None:
    text = bytes(document)
    return None if text == NULL else text
