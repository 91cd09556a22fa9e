"""Which stage is chosen, which arrow leads there, and what probability that makes."""

import pytest

from chassis.errors import Conflict
from pipeline.rules import probabilities
from pipeline.rules.stages import DEALS_NEED, Stage, closing, first_open, is_last, slug
from pipeline.rules.transitions import deal_arrow, lead_arrow


def stage(number, kind="open", *, active=True, probability=None):
    return Stage(number, f"Stage {number}", kind, number, active, probability)


STAGES = [stage(1), stage(2, "won"), stage(3), stage(4, "won"), stage(5, "won", active=False), stage(6, "lost")]


def test_a_record_ends_in_the_next_stage_of_the_kind_else_in_the_nearest_before():
    assert closing(STAGES, "won", STAGES[0]).id == 2
    assert closing(STAGES, "won", STAGES[2]).id == 4
    assert closing(STAGES, "won", STAGES[5]).id == 4
    assert closing(STAGES[:1], "won", STAGES[0]) is None


def test_a_new_record_begins_in_the_first_active_open_stage():
    assert first_open([stage(1, active=False), stage(3), stage(2)]).id == 2


def test_the_last_active_stage_of_a_kind_is_known_as_such():
    assert is_last(STAGES, STAGES[5], DEALS_NEED)
    assert not is_last(STAGES, STAGES[1], DEALS_NEED)
    assert not is_last(STAGES, STAGES[4], DEALS_NEED)


@pytest.mark.parametrize(
    ("current", "target", "arrow"),
    [
        ("open", "open", "stage_changed"),
        ("open", "won", "won"),
        ("open", "lost", "lost"),
        ("won", "won", "stage_changed"),
        ("won", "lost", "lost"),
        ("won", "open", "reopened"),
        ("lost", "lost", "stage_changed"),
        ("lost", "won", "won"),
        ("lost", "open", "reopened"),
    ],
)
def test_arrows_of_deals(current, target, arrow):
    assert deal_arrow(current, target) == arrow


@pytest.mark.parametrize(
    ("current", "target", "result"),
    [
        ("open", "open", "stage_changed"),
        ("open", "lost", "lost"),
        ("open", "converted", "conversion_required"),
        ("lost", "open", "reopened"),
        ("lost", "lost", "lead_lost"),
        ("lost", "converted", "conversion_required"),
        ("converted", "open", "lead_converted"),
        ("converted", "lost", "lead_converted"),
        ("converted", "converted", "lead_converted"),
    ],
)
def test_arrows_of_leads_and_those_that_are_not_drawn(current, target, result):
    try:
        found = lead_arrow(current, target)
    except Conflict as refused:
        found = refused.code
    assert found == result


def test_a_stage_gives_its_probability_unless_the_request_has_one():
    half, none = stage(1, probability=50), stage(1)
    assert probabilities.on_entry(half, None) == {"probability": 50, "probability_source": "stage"}
    assert probabilities.on_entry(half, 0) == {"probability": 0, "probability_source": "manual"}
    assert probabilities.on_entry(none, None) == {}
    assert probabilities.on_entry(stage(1, "won"), 30) == {"probability": 100, "probability_source": "stage"}
    assert probabilities.on_reopening(none, None, 80) == {"probability": 80, "probability_source": "stage"}


@pytest.mark.parametrize(
    ("name", "code"), [("Closed Won", "closed_won"), ("Prüfung 2", "prufung_2"), ("合同", "stage")]
)
def test_a_code_is_made_of_the_name(name, code):
    assert slug(name) == code
