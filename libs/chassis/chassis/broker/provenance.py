"""Whether a message can come from whom it says: the broker holds publishers to routing keys, this holds events to both.

The broker lets each service publish under the keys of its own entities alone. An envelope must say what its key says,
and name as its source the owner of its entity: so nobody can speak of what is another's.
"""

from chassis.broker import attempts
from chassis.broker.messages import Delivery
from chassis.events import Event, MalformedEvent
from chassis.owners import OWNERS


class ForeignEvent(MalformedEvent):
    """An event that no owner could have published."""


class UnknownOwner(Exception):
    """An event of an entity that this release does not know, as a newer one of its owner may publish."""


def hold(delivery: Delivery, event: Event) -> None:
    """Raise ForeignEvent where key, type, tenant and source do not agree, and UnknownOwner for an unknown entity."""
    key = attempts.original_routing_key(delivery)
    expected = f"{event.company_id}.{event.type.removeprefix('crm.')}"
    if key != expected:
        raise ForeignEvent(f"the event is {expected} and came under the key {key}")
    entity = event.type.split(".")[1]
    if entity not in OWNERS:
        raise UnknownOwner(f"nobody is known to own {entity}: this release may be older than the event")
    owner = OWNERS[entity]
    if owner is not None and event.source != owner:
        raise ForeignEvent(f"{owner} owns {entity}, and the event's source is {event.source}")
