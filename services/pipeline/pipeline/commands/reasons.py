"""Why something was lost, as it is written into the record."""

from collections.abc import Mapping
from typing import Any

from chassis.db.session import Session
from chassis.errors import FieldError, Invalid
from pipeline.queries.pipelines import find_loss_reason
from pipeline.rules.requirements import reason_required

REASON = ("loss_reason_id", "loss_reason")
NO_REASON = dict.fromkeys(REASON)


def reason_of(session: Session, given: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    """The reason that was given, with its name of the moment where it came without a text.

    Raises Invalid for one that there is not, that is not chosen any more, or that asks for a text; where it is
    `required`, for none.
    """
    reason_id, words = given.get("loss_reason_id"), given.get("loss_reason")
    if words is not None and not words.strip():
        words = None
    if reason_id is None:
        if required:
            raise reason_required()
        return {"loss_reason_id": None, "loss_reason": words}
    reason = find_loss_reason(session, reason_id)
    if reason is None:
        raise _refuse("unknown_loss_reason", "unknown_reference", "There is no such loss reason in this company.")
    _, name, requires_text, is_active = reason
    if not is_active:
        raise _refuse("loss_reason_inactive", "inactive", "This loss reason is not in use any more.")
    if requires_text and words is None:
        raise reason_required("/loss_reason")
    return {"loss_reason_id": reason_id, "loss_reason": words or name}


def replaced_reason(
    session: Session, document: Mapping[str, Any], given: Mapping[str, Any], *, required: bool
) -> dict[str, Any]:
    """The reason of what is lost already, where it is given anew in whole or in part; else nothing."""
    if not any(name in given for name in REASON):
        return {}
    # Another reason does not keep the words of the one before.
    words = None if "loss_reason_id" in given else document["loss_reason"]
    merged = {"loss_reason_id": document["loss_reason_id"], "loss_reason": words} | dict(given)
    return reason_of(session, merged, required=required)


def _refuse(code: str, error: str, detail: str) -> Invalid:
    return Invalid(code, detail, (FieldError("/loss_reason_id", error, detail),))
