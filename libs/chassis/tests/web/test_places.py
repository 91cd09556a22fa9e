"""Places of tenants in a process: refused beyond their number, free again whatever became of the request."""

import contextlib
import threading
import time

import pytest

from chassis.errors import TooManyRequests
from chassis.testing.waiting import wait_until
from chassis.web.places import CostlyPlaces, Places, Room, asks_much


def test_a_tenant_has_so_many_places_and_another_one_as_many():
    places = Places(2)
    with places.taken(1), places.taken(1), places.taken(2), places.taken(2):
        with pytest.raises(TooManyRequests) as refused, places.taken(1):
            pass
        assert refused.value.headers == {"Retry-After": "1"}
    with places.taken(1), places.taken(1):
        pass


def test_a_place_is_free_again_after_a_failure():
    places = Places(1)
    for _ in range(3):
        with contextlib.suppress(ValueError), places.taken(1):
            raise ValueError
    assert not places._taken


def test_nobody_has_all_the_room_to_wait_and_nobody_is_refused():
    room = Room(12)
    with contextlib.ExitStack() as stack:
        assert [stack.enter_context(room.found(1)) for _ in range(12)] == [True] * 8 + [False] * 4
        assert [stack.enter_context(room.found(2)) for _ in range(4)] == [True] * 2 + [False] * 2
    assert not room._waiting


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_there_is_room_for_one_however_few_threads_there_are(threads):
    room = Room(threads)
    for _ in range(2):
        with contextlib.suppress(ValueError), room.found(1) as found:
            assert found
            raise ValueError


def test_without_a_number_all_may_wait():
    room = Room(None)
    with contextlib.ExitStack() as stack:
        assert all(stack.enter_context(room.found(1)) for _ in range(100))


@pytest.mark.parametrize("kind", [Places, CostlyPlaces])
def test_without_a_number_all_are_taken(kind):
    places = kind(None)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(places.taken(1))


def test_what_costs_much_waits_for_a_place_of_its_tenant_and_no_longer_than_that():
    places = CostlyPlaces(1, waiting=1, longest_wait=0.05)
    for _ in range(2):
        with places.taken(1):
            with places.taken(2):
                pass
            with pytest.raises(TooManyRequests), places.taken(1):
                pass
    assert not places._at_work
    assert not any(places._waiting.values())


def test_who_waits_goes_on_in_turn_and_no_more_wait_than_may():
    places = CostlyPlaces(1, waiting=2, longest_wait=60)
    served = []

    def wait(number):
        with places.taken(1):
            served.append(number)

    waiting = [threading.Thread(target=wait, args=(number,)) for number in range(2)]
    with places.taken(1):
        for number, one in enumerate(waiting):
            one.start()
            wait_until(lambda number=number: len(places._waiting.get(1, ())) > number)
        with pytest.raises(TooManyRequests), places.taken(1):
            pass
        assert served == []
    for one in waiting:
        one.join(60)
    assert served == [0, 1]
    assert not places._at_work
    assert not any(places._waiting.values())


def test_many_at_once_are_all_served_and_never_more_than_there_are_places():
    places = CostlyPlaces(2, waiting=6, longest_wait=60)
    lock, at_work, seen = threading.Lock(), [], []

    def work():
        for _ in range(20):
            with places.taken(1):
                with lock:
                    at_work.append(None)
                    seen.append(len(at_work))
                time.sleep(0.0005)
                with lock:
                    at_work.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert len(seen) == 160
    assert max(seen) <= 2
    assert not places._at_work


@pytest.mark.parametrize(
    ("query", "much"),
    [
        (b"", False),
        (b"limit=5&sort=name", False),
        (b"q=", False),
        (b"source=include&name=q%3Da%26include%3Dtotal", False),
        (b"faq=1", False),
        (b"limit=5&include=total", True),
        (b"%69nclude=total", True),
        (b"a=%zz&%71=a", True),
        (b"q=ada", True),
        (b"name=%ff&include=%74otal", True),
    ],
)
def test_counts_and_searches_are_known_however_they_are_spelled(query, much):
    assert asks_much(query) is much
