"""How likely a record is to be won: the stage says so, unless somebody has said otherwise. Pure, no I/O."""

from collections.abc import Mapping
from typing import Any

from pipeline.rules.stages import Stage

CERTAIN: Mapping[str, int] = {"won": 100, "converted": 100, "lost": 0}


def on_creation(stage: Stage, given: int | None) -> dict[str, Any]:
    """The probability of a new record. An explicit 0 is a value."""
    if stage.group in CERTAIN:
        return _of_stage(CERTAIN[stage.group])
    return _manual(given) if given is not None else _of_stage(stage.probability)


def on_entry(stage: Stage, given: int | None) -> dict[str, Any]:
    """What entering a stage changes: nothing where neither the request nor the stage has a probability."""
    if stage.group in CERTAIN:
        return _of_stage(CERTAIN[stage.group])
    if given is not None:
        return _manual(given)
    return {} if stage.probability is None else _of_stage(stage.probability)


def on_reopening(stage: Stage, given: int | None, before_closing: int | None) -> dict[str, Any]:
    """What reopening makes of it: the stage's, else what it was before the record closed."""
    return on_entry(stage, given) or _of_stage(before_closing)


def _manual(probability: int) -> dict[str, Any]:
    return {"probability": probability, "probability_source": "manual"}


def _of_stage(probability: int | None) -> dict[str, Any]:
    return {"probability": probability, "probability_source": "stage"}
