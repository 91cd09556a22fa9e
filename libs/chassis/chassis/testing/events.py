"""Events in tests: a neighbour's, made and handed to a handler; a service's own, held against one another."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from msgspec import Raw, structs

from chassis.context import Context, acting_as
from chassis.db.session import Database, Session
from chassis.events import Event


def neighbours_event(
    name: str, subject: str, company_id: int, version: int, data: Mapping[str, Any], **more: Any
) -> Event:
    """An event as a consumer sees it; `name` is `customer.updated`, `more` may be its actor and its operation."""
    return Event(
        specversion="1.0",
        id=str(uuid.uuid4()),
        source="neighbour",
        type=f"crm.{name}.v1",
        subject=subject,
        time=datetime.now(UTC),
        company_id=company_id,
        aggregate_version=version,
        actor_text=_text_of(more.pop("actor", None)),
        actor_ip=None,
        user_agent=None,
        correlation_id="the-request",
        causation_id=None,
        traceparent=None,
        operation=more.pop("operation", None),
        content=_content_of(data),
        **more,
    )


def altered(event: Event, **changes: Any) -> Event:
    """The event with other values of these fields; `data` and `actor` are as an event shows them."""
    if "data" in changes:
        changes["content"] = _content_of(changes.pop("data"))
    if "actor" in changes:
        changes["actor_text"] = _text_of(changes.pop("actor"))
    return structs.replace(event, **changes)


def _content_of(data: Mapping[str, Any]) -> Raw:
    return Raw(orjson.dumps(dict(data)))


def _text_of(actor: int | None) -> str | None:
    return None if actor is None else str(actor)


def hand_to(handlers: Mapping[str, Callable[[Session, Event], object]], database: Database, event: Event) -> None:
    """Have a service take an event as its consumer does: in the event's tenant, in a transaction of its own."""
    context = Context(company_id=event.company_id, request_id="the-request", causation_id=event.id)
    with acting_as(context), database.transaction() as session:
        handlers[event.type](session, event)


def assert_each_follows(
    events: Sequence[Any], *, moving: tuple[str, ...] = (), untold: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Each event of a record begins where the one before it ended, one version later, and names all that it changed.

    Records of the tables `moving` change without a version, such as the counts of a transfer. Nothing is told of the
    first version of those in `untold`. Answers the last state of each record by its subject.
    """
    last: dict[str, tuple[int, Any]] = {}
    for event in events:
        table = event["subject"].partition("/")[0]
        before, after = event["data"]["before"], event["data"]["after"]
        version, state = last.get(event["subject"], (1, before) if table in untold else (0, None))
        assert event["aggregateversion"] == version + 1, event["subject"]
        assert before == state or table in moving, event["subject"]
        if before is not None and after is not None:
            changed = {name for name in after if before[name] != after[name]} - {"version", "updated_at"}
            assert set(event["data"]["changed"]) >= changed, event["subject"]
        last[event["subject"]] = (event["aggregateversion"], after)
    return {subject: state for subject, (_, state) in last.items()}
