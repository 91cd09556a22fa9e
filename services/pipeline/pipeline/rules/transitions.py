"""The states of leads and deals: which arrow leads from one to another, and what stands in its way. Pure, no I/O."""

from collections.abc import Mapping
from typing import Literal

from chassis.errors import Conflict
from pipeline.rules.stages import Group

Arrow = Literal["reordered", "stage_changed", "won", "lost", "reopened"]
# What was asked for: a stage (a move, or a change of stage_id), or an outcome.
Wish = Literal["move", "win", "lose", "reopen"]

_ARROWS: Mapping[tuple[Group, Group], Arrow] = {
    ("open", "open"): "stage_changed",
    ("open", "won"): "won",
    ("open", "lost"): "lost",
    ("won", "open"): "reopened",
    ("lost", "open"): "reopened",
    ("won", "won"): "stage_changed",
    ("lost", "lost"): "stage_changed",
    ("won", "lost"): "lost",
    ("lost", "won"): "won",
}
_LEAD_ARROWS: Mapping[tuple[Group, Group], Arrow] = {
    ("open", "open"): "stage_changed",
    ("open", "lost"): "lost",
    ("lost", "open"): "reopened",
}


def lead_arrow(current: Group, target: Group) -> Arrow:
    """What a lead's way from one kind of stage to another is. Raises Conflict where there is none."""
    if current == "converted":
        raise refusal_of_lead(current)
    if target == "converted":
        raise Conflict("conversion_required", "A lead gets into this stage by being converted.")
    arrow = _LEAD_ARROWS.get((current, target))
    if arrow is None:
        raise refusal_of_lead(current)
    return arrow


def deal_arrow(current: Group, target: Group) -> Arrow:
    """What a deal's way from one kind of stage to another is: each leads somewhere."""
    return _ARROWS[current, target]


def refuse_lead_wish(current: Group, wish: Wish) -> None:
    """Raise Conflict where a lead in this state cannot be lost or reopened."""
    if current == "converted" or wish == ("lose" if current == "lost" else "reopen" if current == "open" else None):
        raise refusal_of_lead(current)


def refuse_deal_wish(current: Group, wish: Wish) -> None:
    """Raise Conflict where a deal in this state cannot be won, lost or reopened: it is already."""
    if (current, wish) in (("won", "win"), ("lost", "lose"), ("open", "reopen")):
        raise refusal_of_deal(current)


def refusal_of_lead(current: Group) -> Conflict:
    """The conflict with the state that a lead is in."""
    if current == "open":
        return Conflict("lead_open", "The lead is open.")
    if current == "lost":
        return Conflict("lead_lost", "The lead is lost; reopen it first.")
    return Conflict("lead_converted", "The lead was converted; undo the conversion first.")


def refusal_of_deal(current: Group) -> Conflict:
    """The conflict with the state that a deal is in."""
    if current == "open":
        return Conflict("deal_open", "The deal is open.")
    return Conflict("deal_closed", "The deal is closed; reopen it first.")
