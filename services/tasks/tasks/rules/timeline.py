"""Putting changes of status under one heading. Pure, no I/O."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tasks.rules import STATUS_CHANGE

TOGETHER = timedelta(minutes=10)


def grouped(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join changes of one record by one user within ten minutes under the latest of them."""
    joined: list[dict[str, Any]] = []
    heads: dict[tuple[Any, ...], dict[str, Any]] = {}
    for entry in entries:
        record = entry["record"]
        if record.get("activity_type") != STATUS_CHANGE:
            joined.append(entry)
            continue
        key = (record["change"]["entity"], record["change"]["id"], record["user_id"])
        head = heads.get(key)
        if head is not None and _moment(head) - _moment(entry) <= TOGETHER:
            head["grouped"].append(record)
            continue
        heads[key] = entry | {"grouped": []}
        joined.append(heads[key])
    return joined


def _moment(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["at"])
