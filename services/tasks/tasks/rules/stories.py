"""What a timeline says of a lead or a deal that has moved, and of a customer whose status has changed. Pure, no I/O."""

from collections.abc import Mapping
from typing import Any

from tasks.rules import LONGEST_TITLE

_ENTITIES = {"lead": "Lead", "deal": "Deal", "customer": "Customer"}
TOLD = ("stage_changed", "won", "lost", "reopened", "converted")

# Operations in which a stage goes: nothing has happened to what was in it.
_STAGES = ("lead_stages/", "deal_stages/")


def is_stage_deletion(operation: str | None) -> bool:
    """Whether records were moved because their stage was deleted."""
    return operation is not None and operation.startswith(_STAGES)


def story_of(entity: str, action: str, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The title of a status_change and what has changed; None for an event that tells of none."""
    before, after = data["before"] or {}, data["after"] or {}
    if entity == "customer":
        if action != "updated" or "status" not in data["changed"]:
            return None
        title = f"Status: {before.get('status')} → {after.get('status')}"
        return title, _change(entity, after, before.get("status"), after.get("status"))
    if action not in TOLD:
        return None
    left, entered = _stage(data, "from_stage", before), _stage(data, "to_stage", after)
    name, reason = _ENTITIES[entity], after.get("loss_reason")
    titles = {
        "stage_changed": f"{name} moved: {left} → {entered}",
        "won": f"{name} won",
        "lost": f"{name} lost: {reason}" if reason else f"{name} lost",
        "reopened": f"{name} reopened",
        "converted": f"{name} converted",
    }
    return titles[action][:LONGEST_TITLE], _change(entity, after, left, entered, reason if action == "lost" else None)


def _stage(data: Mapping[str, Any], side: str, record: Mapping[str, Any]) -> str | None:
    stage = data.get(side) or {}
    return stage.get("name") or stage.get("code") or record.get("stage") or record.get("status")


def _change(
    entity: str, record: Mapping[str, Any], left: str | None, entered: str | None, reason: str | None = None
) -> dict[str, Any]:
    return {"entity": entity, "id": record["id"], "from": left, "to": entered, "reason": reason}
