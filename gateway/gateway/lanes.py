"""Lanes to a server: how many of its places requests of each kind may take, so that nobody ever has all of them."""

from dataclasses import dataclass

_FREE_OF_CROWD = 2
# As many threads has a service for who waits, for each that works on requests.
_WAITING = 2


@dataclass(frozen=True)
class Lanes:
    """Requests at a time, to one server of a service.

    `common` is for who has few requests in flight, `crowd` for the further ones of who has more than `few`, and `bulk`
    for exports. `waiting` has places besides, for what waits in a service until something is done elsewhere. Each lane
    has a queue of its own, in which who has less in flight comes sooner.
    """

    common: int
    crowd: int
    bulk: int
    waiting: int
    few: int


def lanes(places: int, *, servers: int, gateways: int = 1) -> Lanes:
    """Share out the places of a server: half and more to everybody, a third to crowds, the rest to exports.

    `few` leaves room in the common lane whoever it is that has so many, however the servers are chosen.
    """
    places = max(places // gateways, 1)
    bulk = max(places // 8, 1)
    crowd = max(places // 3, 1)
    common = max(places - crowd - bulk, 1)
    waiting = places * _WAITING
    return Lanes(common, crowd, bulk, waiting, few=max(1, min(_FREE_OF_CROWD, common * max(servers, 1) // 3)))
