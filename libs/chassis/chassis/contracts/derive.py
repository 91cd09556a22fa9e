"""What the files of the folder `contracts` must hold, from what the services publish and answer."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from chassis import events
from chassis.contracts.files import ENVELOPE, Contracts
from chassis.contracts.openapi import public_document, written
from chassis.contracts.records import UnknownRecord, record_schema
from chassis.contracts.text import dumps
from chassis.events import EventType
from chassis.service import load

# An event of these actions has nothing before it, or nothing after it, unless its file says otherwise.
_BEGINS = {"created", "recorded", "denied"}
_ENDS = {"deleted", "purged", "removed"}
_NOTHING = {"type": "null"}
CHASSIS = "chassis"  # Whose events every service publishes.


def services(root: Path) -> list[str]:
    """The names of all services in the repository."""
    return sorted(path.parent.name for path in root.glob("services/*/pyproject.toml"))


def published(root: Path) -> dict[str, tuple[EventType, ...]]:
    """What each service publishes, by its name; what every service publishes is the chassis'."""
    found: dict[str, tuple[EventType, ...]] = {CHASSIS: (events.ACCESS_DENIED,)}
    for name in services(root):
        if find_spec(f"{name}.events") is not None:
            found[name] = tuple(import_module(f"{name}.events").PUBLISHED)
    return found


def derive(root: Path) -> tuple[dict[Path, str], list[str]]:
    """The texts of all files that can be derived, and what is missing or not needed there."""
    folder = root / "contracts"
    texts: dict[Path, str] = {}
    faults: list[str] = []
    every = published(root)
    for package, types in every.items():
        for entity in dict.fromkeys(each.entity for each in types):
            try:
                texts[folder / "records" / f"{entity}.json"] = dumps(record_schema(package, entity))
            except UnknownRecord as error:
                faults.append(str(error))
        for event_type in types:
            path = folder / "events" / f"{event_type.name}.json"
            given = json.loads(path.read_bytes()) if path.is_file() else {}
            if not given.get("title"):
                faults.append(
                    f'{path.relative_to(root)} is to say what happened: {{"title": "A customer was created"}}'
                )
            else:
                begins = _begins(event_type, types)
                texts[path] = dumps(_event(package, event_type, given, begins=begins))
    for name in services(root):
        document, missing = public_document(load(name), Contracts(root))
        texts[folder / "openapi" / f"{name}.json"] = written(document)
        faults += missing
    texts |= _owners(root, every)
    names = {event_type.name for types in every.values() for event_type in types}
    faults += [f"{path.relative_to(root)}: nothing publishes this" for path in _superfluous(folder, texts, names)]
    return texts, faults


def _owners(root: Path, every: Mapping[str, Sequence[EventType]]) -> dict[Path, str]:
    """Who publishes what: for consumers, which hold events against it, and for the operator, who gives rights by it."""
    owners = {each.entity: None if name == CHASSIS else name for name, types in every.items() for each in types}
    published = {name: [each.name.removeprefix("crm.") for each in types] for name, types in every.items()}
    return {
        root / "libs" / "chassis" / "chassis" / "owners.json": dumps(dict(sorted(owners.items()))),
        root / "deploy" / "crm" / "published.json": dumps(published),
    }


def _superfluous(folder: Path, texts: Mapping[Path, str], names: set[str]) -> Iterator[Path]:
    for path in sorted([*folder.glob("records/*.json"), *folder.glob("openapi/*.json")]):
        if path not in texts:
            yield path
    for path in sorted([*folder.glob("events/*.json"), *folder.glob("examples/*.json")]):
        if path.stem not in names:
            yield path


def _begins(event_type: EventType, types: Sequence[EventType]) -> bool:
    """Whether there was nothing before an event: that a transfer started is the first that is told of it."""
    created = any(each.entity == event_type.entity and each.action in _BEGINS for each in types)
    return event_type.action in _BEGINS or (event_type.action == "started" and not created)


def _event(package: str, event_type: EventType, given: Mapping[str, Any], *, begins: bool) -> dict[str, Any]:
    """The contract of an event: title, description and what it tells besides are `given`; the rest is derived."""
    properties = dict(given.get("properties", {}))
    data = dict(properties.pop("data", {}))
    told = dict(data.get("properties", {}))
    record = {"$ref": f"../records/{event_type.entity}.json"}
    sides = {}
    for side, is_empty in (("before", begins), ("after", event_type.action in _ENDS)):
        usual = _NOTHING if is_empty else record
        said = told.pop(side, usual)
        sides[side] = said if said in (_NOTHING, {"anyOf": [record, _NOTHING]}) else record
    both = _NOTHING not in sides.values()
    changed = told.pop("changed", None if both else {"maxItems": 0})
    derived = {} if package == CHASSIS else {"source": {"const": package}}
    derived |= {"type": {"const": event_type.name}, "subject": {"pattern": f"^{event_type.table}/"}}
    data["properties"] = sides | ({} if changed is None else {"changed": changed}) | told
    head = {"title": given["title"]} | ({"description": given["description"]} if "description" in given else {})
    rest = {key: value for key, value in properties.items() if key not in derived and key != "source"}
    return head | {"$ref": ENVELOPE, "properties": derived | rest | {"data": data}}
