"""What closing and reopening write into a deal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chassis.context import current
from chassis.db.session import Session
from pipeline.commands.reasons import NO_REASON, reason_of
from pipeline.queries.companies import get_company
from pipeline.queries.exchange_rates import find_rate
from pipeline.rules import probabilities
from pipeline.rules.positions import closed_position
from pipeline.rules.reporting import local_date
from pipeline.rules.stages import Stage, group_of

NO_RATE = dict.fromkeys(("close_rate", "close_rate_base", "close_rate_date"))


def closed(session: Session, stage: Stage, currency: str, given: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """What a deal becomes that closes at this moment. Raises Invalid for a loss without its reason."""
    company = get_company(session)
    day = local_date(at, company.zone)
    return {
        "closed_at": at,
        "actual_close_date": day,
        "closed_by": current().user_id,
        # A column of what is closed shows the newest closing first.
        "position": closed_position(int(at.timestamp() * 1e6)),
        **rate_of(session, currency, day),
        **probabilities.on_entry(stage, None),
        **(reason_of(session, given, required=True) if stage.group == "lost" else NO_REASON),
    }


def rate_of(session: Session, currency: str, day: Any) -> dict[str, Any]:
    """What a currency was worth on the day that a deal closed; nulls where nobody has said."""
    base = get_company(session).base
    found = find_rate(session, currency, base, day)
    if found is None:
        return NO_RATE
    rate, valid_on = found
    return {"close_rate": rate, "close_rate_base": base, "close_rate_date": valid_on}


def remembered(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a deal was before it closed; one that closes anew remembers the first time."""
    if group_of(document["status"]) != "open":
        return {}
    return {"last_open_stage_id": document["stage_id"], "last_open_probability": document["probability"]}


def reopened(stage: Stage, document: Mapping[str, Any], probability: int | None) -> dict[str, Any]:
    """What a closed deal becomes in an open stage; the earlier closing stays in the history."""
    return {
        "closed_at": None,
        "actual_close_date": None,
        "closed_by": None,
        "reopen_count": document["reopen_count"] + 1,
        **NO_REASON,
        **NO_RATE,
        **probabilities.on_reopening(stage, probability, document["last_open_probability"] or 0),
    }
