"""What entering a stage asks of a record, losing one of its reason, and an amount of its currency. Pure, no I/O."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chassis.errors import FieldError, Invalid
from pipeline.rules.money import refuse_amount, refuse_currency
from pipeline.rules.stages import Group, Stage


def refuse_incomplete(stage: Stage, values: Mapping[str, Any]) -> None:
    """Raise Invalid, with a pointer for each, where a deal lacks what the stage requires."""
    missing = [name for name in stage.required_fields if not _has(name, values.get(name))]
    if missing:
        detail = f"The stage {stage.name!r} requires {', '.join(missing)}."
        raise Invalid(
            "required_for_stage",
            detail,
            tuple(FieldError(f"/{name}", "required_for_stage", f"The stage requires {name}.") for name in missing),
        )


def refuse_inactive_stage(stage: Stage) -> None:
    """Raise Invalid for a stage that nothing enters any more."""
    if not stage.is_active:
        detail = f"The stage {stage.name!r} is inactive."
        raise Invalid("stage_inactive", detail, (FieldError("/stage_id", "stage_inactive", detail),))


def refuse_unfit(stage: Stage, group: Group) -> None:
    """Raise Invalid for a stage that is of another kind than what was asked for."""
    if stage.group != group:
        detail = f"The stage {stage.name!r} is none for what is {group}."
        raise Invalid("stage_unfit", detail, (FieldError("/stage_id", "stage_unfit", detail),))


def refuse_money(currency: str, amount: str | None, pointer: str) -> None:
    """Raise Invalid for what is no currency in use, and for an amount finer than its minor unit."""
    refuse_currency(currency)
    if amount is not None:
        refuse_amount(amount, currency, pointer)


def _has(name: str, value: Any) -> bool:
    if name == "deal_value":
        return value is not None and Decimal(value) > 0
    return value is not None and (not isinstance(value, str) or bool(value.strip()))


def reason_required(pointer: str = "/loss_reason_id") -> Invalid:
    """The error of a loss without the reason that it needs."""
    detail = "Say why it was lost." if pointer == "/loss_reason_id" else "This reason asks for a text."
    return Invalid("loss_reason_required", detail, (FieldError(pointer, "loss_reason_required", detail),))
