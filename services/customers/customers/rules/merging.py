"""What becomes of the fields when customers are merged. Pure, no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from people.phones import extension_of
from people.tags import distinct_tags

MOST_SOURCES = 5
LONGEST_NOTES = 20_000
UNDO_WINDOW = timedelta(days=30)
# What is a record's own; a merge decides over every other field, and joins the tags.
_OWN = frozenset(
    (
        "id",
        "company_id",
        "version",
        "customer_code",
        "phone_e164",
        "tags",
        "created_by",
        "created_at",
        "updated_at",
        "archived_at",
        "merged_into",
    )
)


def merged_fields(names: Iterable[str]) -> list[str]:
    """The fields that a merge decides over, among these of a customer."""
    return [name for name in names if name not in _OWN]


def merged_values(
    target: Mapping[str, Any], sources: Sequence[Mapping[str, Any]], choices: Mapping[str, int], most_tags: int
) -> dict[str, Any]:
    """The fields of `target` that change: what was chosen, else what the target lacks and a source has, first come.

    `choices` names for a field the record whose value it gets. Tags are joined, and so are notes that nobody has chosen
    from; a second phone that nobody has is another one's first.
    """
    records = {record["id"]: record for record in (target, *sources)}
    values: dict[str, Any] = {}
    for name in merged_fields(target):
        if name in choices:
            value = records[choices[name]][name]
        else:
            value = next((record[name] for record in (target, *sources) if record[name] not in (None, "")), None)
        if value != target[name]:
            values[name] = value
    if "notes" not in choices:
        values |= _changed("notes", _joined([record["notes"] for record in (target, *sources)]), target)
    if "secondary_phone" not in choices and not values.get("secondary_phone", target["secondary_phone"]):
        values |= _changed(
            "secondary_phone", _second_phone(values.get("phone", target["phone"]), target, sources), target
        )
    tags = distinct_tags(tag for record in (target, *sources) for tag in record["tags"])[:most_tags]
    if tags != target["tags"]:
        values["tags"] = tags
    return values


def _second_phone(first: str | None, target: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> str | None:
    """Another number than the first, which may be written in other ways; none for who has chosen that there is none."""
    records = [record for record in (target, *sources) if record["phone"]]
    known = {_dialled(record) for record in records if record["phone"] == first}
    others = (record["phone"] for record in records if record["phone"] != first and _dialled(record) not in known)
    return next(others, None) if first else None


def _dialled(record: Mapping[str, Any]) -> tuple[str, str | None]:
    """What is dialled to reach a record's number: equal for two spellings of it."""
    e164 = record.get("phone_e164")
    return e164 or record["phone"], extension_of(record["phone"], e164)


def _joined(notes: Iterable[str | None]) -> str | None:
    """Different notes one below the other, the target's first, as far as they are no longer than notes may be."""
    joined = None
    for note in dict.fromkeys(note for note in notes if note):
        longer = note if joined is None else f"{joined}\n\n{note}"
        joined = longer if len(longer) <= LONGEST_NOTES else joined
    return joined


def _changed(name: str, value: str | None, target: Mapping[str, Any]) -> dict[str, Any]:
    return {} if value == target[name] else {name: value}


def differences(target: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The fields in which the records differ, each with the values that there are to choose from."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in merged_fields(target):
        offers: dict[str, dict[str, Any]] = {}
        for record in (target, *sources):
            if record[name] not in (None, ""):
                offers.setdefault(str(record[name]), {"id": record["id"], "value": record[name]})
        if len(offers) > 1:
            found[name] = list(offers.values())
    return found


def changed_fields(merged: Mapping[str, Any], before: Mapping[str, Any]) -> set[str]:
    """The fields of the target that a merge gave another value, tags aside; none of them is newer than the merge."""
    return {name for name in merged_fields(before) if merged[name] != before[name]}


def untouched(merged: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that an undo sets back: those that the merge changed and nobody has since.

    Of the tags those go that the merge brought, whatever others have come or gone meanwhile.
    """
    values = {name: before[name] for name in changed_fields(merged, before) if now[name] == merged[name]}
    brought = set(merged["tags"]) - set(before["tags"])
    kept = [tag for tag in now["tags"] if tag not in brought]
    return values if kept == now["tags"] else values | {"tags": kept}
