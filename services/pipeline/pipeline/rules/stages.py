"""Stages: what each stands for, the ones that every company begins with, and which of them is chosen. Pure, no I/O."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.rules import OPEN_LEAD_STATUSES

LONGEST_CODE = 50
Group = Literal["open", "won", "lost", "converted"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of leads, or of a pipeline's deals; `kind` is the status of what is in it."""

    id: int
    name: str
    kind: str
    order_index: int
    is_active: bool
    probability: int | None
    # Of deals alone.
    pipeline_id: int | None = None
    code: str | None = None
    required_fields: Sequence[str] = ()

    @property
    def group(self) -> Group:
        """What the kind means for a record: a lead has three kinds of open."""
        return group_of(self.kind)

    @property
    def shown(self) -> dict[str, Any]:
        """What events say of it beside the record."""
        return {
            "id": self.id,
            "code": self.code,
            "name": self.name,
            "kind": self.kind,
            "pipeline_id": self.pipeline_id,
        }


def group_of(kind: str) -> Group:
    """What a status means, of a lead or of a deal."""
    if kind in OPEN_LEAD_STATUSES:
        return "open"
    if kind in ("open", "won", "lost", "converted"):
        return kind  # type: ignore[return-value]  # One of the literals, as the line above says.
    raise ValueError(kind)


def first_open(stages: Iterable[Stage]) -> Stage | None:
    """Where a new record begins: the first active open stage."""
    return min((stage for stage in stages if enters(stage, "open")), key=_place, default=None)


def closing(stages: Sequence[Stage], group: Group, current: Stage | None) -> Stage | None:
    """Where a record ends that names no stage: the first active one of the group after the current one by order, else
    the nearest before it.
    """
    fitting = sorted((stage for stage in stages if enters(stage, group)), key=_place)
    if current is None:
        return fitting[0] if fitting else None
    after = [stage for stage in fitting if _place(stage) > _place(current)]
    return after[0] if after else (fitting[-1] if fitting else None)


def enters(stage: Stage, group: Group) -> bool:
    """Whether a record may come into the stage, which is one of the group."""
    return stage.is_active and stage.group == group


def is_last(stages: Iterable[Stage], stage: Stage, groups: Sequence[Group]) -> bool:
    """Whether no other active stage of its group would be left without this one, where the group needs one."""
    if not stage.is_active or stage.group not in groups:
        return False
    return not any(other.id != stage.id and enters(other, stage.group) for other in stages)


def slug(name: str) -> str:
    """The code of a stage that is given none: its name in small ASCII letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return "_".join(re.findall(r"[a-z0-9]+", plain))[:LONGEST_CODE].strip("_") or "stage"


def _place(stage: Stage) -> tuple[int, int]:
    return (stage.order_index, stage.id)


# Groups of which a pipeline, or a company's lead stages, always have an active stage.
DEALS_NEED: Sequence[Group] = ("open", "won", "lost")
LEADS_NEED: Sequence[Group] = ("open", "converted", "lost")

SEEDED_LEAD_STAGES: Sequence[dict[str, Any]] = [
    {"order_index": index, "name": name, "description": description, "lead_status": status, "probability": probability}
    for index, (name, description, status, probability) in enumerate(
        (
            ("New", "Recently added leads", "new", 5),
            ("Contacted", "Initial contact made", "contacted", 10),
            ("Qualified", "Lead meets criteria and is interested", "qualified", 25),
            ("Proposal", "Proposal or quote sent", "qualified", 50),
            ("Negotiation", "In negotiation phase", "qualified", 75),
            ("Closed Won", "Successfully converted to customer", "converted", 100),
            ("Closed Lost", "Opportunity lost", "lost", 0),
        ),
        1,
    )
]
SEEDED_PIPELINE = {"name": "Sales", "is_default": True, "order_index": 1}
SEEDED_DEAL_STAGES: Sequence[dict[str, Any]] = [
    {
        "order_index": index,
        "code": code,
        "name": code.replace("_", " ").title(),
        "kind": kind,
        "probability": probability,
        "forecast_category": category,
    }
    for index, (code, kind, probability, category) in enumerate(
        (
            ("prospect", "open", 10, "pipeline"),
            ("qualified", "open", 25, "pipeline"),
            ("proposal", "open", 50, "best_case"),
            ("negotiation", "open", 75, "commit"),
            ("closed_won", "won", 100, "closed"),
            ("closed_lost", "lost", 0, "omitted"),
        ),
        1,
    )
]
SEEDED_LOSS_REASONS: Sequence[dict[str, Any]] = [
    {"order_index": index, "name": name, "requires_text": name == "Other"}
    for index, name in enumerate(
        (
            "Price",
            "Competitor",
            "No budget",
            "No decision",
            "Missing feature",
            "No answer",
            "Duplicate",
            "Other",
        ),
        1,
    )
]
