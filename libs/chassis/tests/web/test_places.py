"""Places of tenants in a process: refused beyond their number, free again whatever became of the request."""

import contextlib

import pytest

from chassis.errors import TooManyRequests
from chassis.web.places import Places


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


def test_without_a_number_all_are_taken():
    places = Places(None)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(places.taken(1))
