"""Positions: between two neighbours, on top, and spread anew where there is no room."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.rules.positions import ROOM, STEP, between, closed_position, on_top, spread

NUMBERS = st.integers(min_value=-(2**62), max_value=2**62)


def test_a_new_card_lies_a_whole_step_above_all_others():
    assert on_top(None) == -STEP
    assert on_top(-5 * STEP) == -6 * STEP


@given(above=NUMBERS, below=NUMBERS)
def test_a_place_in_a_gap_lies_strictly_inside_or_there_is_none(above, below):
    place = between(above, below)
    assert place is None or above < place < below
    assert (place is None) == (below - above < 2)


def test_a_gap_with_an_open_end_always_has_room():
    assert between(None, 7) == 7 - STEP
    assert between(7, None) == 7 + STEP


@given(count=st.integers(min_value=1, max_value=300), above=NUMBERS, span=st.integers(min_value=0, max_value=2**40))
def test_a_window_is_spread_with_room_between_all_of_it_or_not_at_all(count, above, span):
    found = spread(count, above, above + span)
    if found is None:
        assert span < ROOM * (count + 1)
        return
    places = [above, *found, above + span]
    assert len(found) == count
    assert all(lower - upper >= ROOM for upper, lower in itertools.pairwise(places))


@given(count=st.integers(min_value=1, max_value=300), end=NUMBERS)
def test_at_an_end_of_the_column_there_is_room_without_end(count, end):
    for found, bounds in ((spread(count, end, None), (end, None)), (spread(count, None, end), (None, end))):
        assert found is not None
        assert all(lower - upper == STEP for upper, lower in itertools.pairwise(found))
        assert bounds[0] is None or found[0] > end
        assert bounds[1] is None or found[-1] < end
    assert spread(count, None, None) is not None


def test_the_newest_closing_is_the_highest():
    assert closed_position(2) < closed_position(1)
