"""The folder `contracts`: one envelope, one schema per record, a few lines and an example per event."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

ENVELOPE = "../envelope.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Contracts:
    """What the services promise in events, read from the folder `contracts` of the repository at `root`."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "contracts"
        self._events = self.folder / "events"
        self._examples = self.folder / "examples"

    @cached_property
    def types(self) -> list[str]:
        """The names of all event types."""
        return sorted(path.stem for path in self._events.glob("*.json"))

    @cached_property
    def examples(self) -> list[str]:
        """The names of the event types that have an example."""
        return sorted(path.stem for path in self._examples.glob("*.json"))

    def schema(self, event_type: str) -> dict[str, Any]:
        """The whole contract of an event as one JSON Schema that refers to no other file. Raises FileNotFoundError."""
        known: dict[str, Any] = {}
        body = self._bundle(self._events / f"{event_type}.json", known)
        return {"$schema": DIALECT, "$id": f"urn:crm:event:{event_type}", **body, "$defs": known}

    def record(self, entity: str) -> dict[str, Any]:
        """The schema of a record. Raises FileNotFoundError."""
        schema: dict[str, Any] = json.loads((self.folder / "records" / f"{entity}.json").read_bytes())
        return schema

    def example(self, event_type: str) -> bytes:
        """An event as it is really sent. Raises FileNotFoundError."""
        return (self._examples / f"{event_type}.json").read_bytes()

    def keep_example(self, event_type: str, text: str) -> None:
        """Write the example of an event."""
        self._examples.mkdir(exist_ok=True)
        (self._examples / f"{event_type}.json").write_text(text)

    def _bundle(self, path: Path, known: dict[str, Any]) -> dict[str, Any]:
        """A file's schema, with the files that it refers to put among those `known` by their names."""

        def bundled(value: Any) -> Any:
            if isinstance(value, list):
                return [bundled(each) for each in value]
            if not isinstance(value, dict):
                return value
            return {key: local(each) if key == "$ref" else bundled(each) for key, each in value.items()}

        def local(reference: str) -> str:
            target = (path.parent / reference).resolve()
            if target.stem not in known:
                known[target.stem] = {}
                known[target.stem] = self._bundle(target, known)
            return f"#/$defs/{target.stem}"

        schema: dict[str, Any] = bundled(json.loads(path.read_bytes()))
        return schema
