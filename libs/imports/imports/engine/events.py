"""The events of imports, whose types each service declares under its own names."""

from dataclasses import dataclass

from chassis.events import EventType


@dataclass(frozen=True, slots=True)
class ImportEvents:
    """What a service calls that which happens to its imports."""

    created: EventType
    updated: EventType
    started: EventType
    completed: EventType
    failed: EventType
    cancelled: EventType
    revert_started: EventType
    reverted: EventType
