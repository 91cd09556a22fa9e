"""Examples of events: taken from a run of tests, with what differs from run to run replaced by what never does."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_COMPANY = 42
_BEGINNING = datetime(2026, 11, 22, 9, 0, 0, 250_000, tzinfo=UTC)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# An id that is a time in microseconds and not a row's number.
_SMALLEST_MOMENT = 10**15
_ADDRESSES = {"actorip": "192.0.2.1", "useragent": "curl/7.88.1"}


def stable(event: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The event as every run would have it.

    Its tenant is always the same; times keep their order and, to the hour, their distance; UUIDs are numbered as they
    come. `names` says what to write instead of texts that are drawn by chance. The ids of rows are those of the run,
    which begins with an empty database.
    """
    moments = {text: datetime.fromisoformat(text) for text in _texts(event) if _TIME.fullmatch(text)}
    in_order = sorted(set(moments.values()))
    uuids: dict[str, str] = {}

    def of_text(text: str) -> str:
        if text in moments:
            return _written(moments[text], in_order, text)
        if _UUID.fullmatch(text):
            return uuids.setdefault(text, f"01a20160-3f2c-7a00-8000-{len(uuids) + 1:012}")
        for chance, name in names.items():
            text = text.replace(chance, name)
        return text

    renamed = {key: value if value is None else _ADDRESSES.get(key, value) for key, value in event.items()}
    plain = _map(renamed, of_text)
    table, _, record_id = plain["subject"].partition("/")
    own = _COMPANY if table == "companies" else _of_moment(int(record_id))
    plain["subject"], plain["companyid"] = f"{table}/{own}", _COMPANY
    for side in ("before", "after"):
        record = plain["data"][side]
        if record is not None:
            record["id"] = own
            if "company_id" in record:
                record["company_id"] = _COMPANY
    return dict(plain)


def shape(event: Mapping[str, Any]) -> Any:
    """Which members an event has, in their order; an example is out of date where its shape is another."""
    data = event["data"]
    records = [None if data[side] is None else list(data[side]) for side in ("before", "after")]
    return [list(event), list(data), records]


def _of_moment(record_id: int) -> int:
    return int(_BEGINNING.timestamp() * 1_000_000) if record_id > _SMALLEST_MOMENT else record_id


def _written(moment: datetime, in_order: list[datetime], text: str) -> str:
    hours = round((moment - in_order[0]) / timedelta(hours=1))
    at = _BEGINNING + timedelta(hours=hours, seconds=in_order.index(moment))
    if text.endswith("Z"):
        return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return at.strftime("%Y-%m-%dT%H:%M:%S.25+00:00")


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [text for each in (value.values() if isinstance(value, dict) else value) for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def _map(value: Any, of_text: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _map(each, of_text) for key, each in value.items()}
    if isinstance(value, list):
        return [_map(each, of_text) for each in value]
    return of_text(value) if isinstance(value, str) else value
