"""Time zones, and the instants of local times in them. Pure but for reading the pinned data of time zones.

Zones come from the package tzdata and never from the machine, so that all machines agree.
"""

import importlib.resources
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chassis.errors import FieldError, Invalid


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The ids of the zones that there are."""
    listed = importlib.resources.files("tzdata").joinpath("zones").read_text("ascii").split()
    # These two are no place: what a machine has before it is told, and what it has been told.
    return frozenset(listed) - {"Factory", "localtime"}


def zone_of(name: str, pointer: str = "/time_zone") -> ZoneInfo:
    """The zone of this IANA id; `pointer` says where in a body it stands. Raises Invalid for one that there is not."""
    if name not in zone_names():
        detail = "There is no such time zone; an IANA id is wanted, such as Europe/Berlin."
        raise Invalid("unknown_time_zone", detail, (FieldError(pointer, "unknown_time_zone", detail),))
    return _zone(name)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    with importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a local wall time (RFC 5545, 3.3.5).

    Of one that occurs twice the first; one that does not exist is read with the offset before the gap.
    """
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def local_time(instant: datetime, zone: ZoneInfo) -> datetime:
    """The wall time of an instant, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day: its midnight, or where the zone skips that, the first one that exists."""
    midnight = datetime.combine(day, time())
    found = instant_of(midnight, zone)
    if local_time(found, zone) == midnight:
        return found
    # Read with the offset after the gap it lies before the gap; the clock jumps between the two, at a full second.
    before = midnight.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while found - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(found - before) // timedelta(seconds=2))
        if local_time(middle, zone) >= midnight:
            found = middle
        else:
            before = middle
    return found
