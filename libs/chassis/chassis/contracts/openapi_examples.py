"""Examples of bodies and answers: from the published examples of events where there is one, else from the schema."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from chassis.contracts.files import Contracts

_FORMATS = {
    "date-time": "2026-11-22T03:50:38.123456+00:00",
    "date": "2026-11-22",
    "uuid": "01a20160-3f2c-7a00-8000-000000000010",
    "password": "a long enough secret",
    "email": "ada@engines.example",
    "uri": "https://engines.example",
    "ip": "192.0.2.1",
}
# What a text may look like, for one with a pattern that says so.
_TEXTS = (
    "text",
    "1500.00",
    "ada@engines.example",
    "EUR",
    "Europe/Vienna",
    "vip",
    "2026-11-22",
    "C-1",
    "AT",
    "A",
    "a" * 36,
)


class NoExample(Exception):
    """Nothing that is known is an example of a schema: its field is to say one, `metadata={"example": …}`."""


class Examples:
    """Makes examples of the schemas in `components`; the members of known records lend theirs to schemas that fit."""

    def __init__(self, contracts: Contracts, components: Mapping[str, Any]) -> None:
        self._components = components
        self._records: dict[str, Any] = {}
        self._members: dict[str, list[Any]] = {}
        for name in contracts.examples:
            after = orjson.loads(contracts.example(name))["data"]["after"]
            if after is not None:
                self._records.setdefault(name.split(".")[1], after)
        for record in self._records.values():
            for member, value in _members(record):
                if value is not None:
                    self._members.setdefault(member, []).append(value)

    def of(self, schema: Mapping[str, Any], place: str) -> Any:
        """An example of a schema that is valid. `place` says where it stands. Raises NoExample."""
        made = self._make(schema, "", place)
        self._check(schema, made, place)
        return made

    def _check(self, schema: Mapping[str, Any], value: Any, place: str) -> None:
        fault = next(self._validator(schema).iter_errors(value), None)
        if fault is not None:
            raise NoExample(f"{place}{fault.json_path[1:]}: {fault.message}")

    def _validator(self, schema: Mapping[str, Any]) -> Draft202012Validator:
        return Draft202012Validator({**schema, "components": {"schemas": self._components}})

    def _make(self, schema: Mapping[str, Any], name: str, place: str) -> Any:
        if "$ref" in schema:
            return self._component(schema["$ref"].rpartition("/")[2], name, place)
        known = (value for value in self._members.get(name, ()) if schema and self._validator(schema).is_valid(value))
        for value in (*(schema[key] for key in ("example", "const", "default") if key in schema), *known):
            return value
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return self._make(schema[key][0], name, place)
        return schema["enum"][0] if "enum" in schema else self._of_type(schema, name, place)

    def _of_type(self, schema: Mapping[str, Any], name: str, place: str) -> Any:
        kinds = schema.get("type", "object")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        match kind:
            case "object":
                properties = schema.get("properties", {})
                return {key: self._make(inner, key, f"{place}.{key}") for key, inner in properties.items()}
            case "array":
                return [self._make(schema.get("items", {}), name.removesuffix("s"), f"{place}[0]")]
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return False
            case "string":
                return self._text(schema, place)
        return None

    def _component(self, component: str, name: str, place: str) -> Any:
        """An example of a schema with a name: `CustomerOut` is what events show of a customer."""
        schema = self._components[component]
        entity = re.sub(r"(?<!^)(?=[A-Z])", "_", component.removesuffix("Out")).lower()
        if component.endswith("Out") and entity in self._records:
            known = self._records[entity]
            if self._validator(schema).is_valid(known):
                return known
        return self._make(schema, name, component if not place else f"{place} ({component})")

    def _text(self, schema: Mapping[str, Any], place: str) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        shortest = schema.get("minLength", 0)
        fitting = (text for text in (*_TEXTS, "x" * shortest) if self._validator(schema).is_valid(text))
        found = next(fitting, None)
        if found is None:
            raise NoExample(f"{place}: no example is known; the field's metadata is to have one")
        return found


def _members(record: Any) -> Iterator[tuple[str, Any]]:
    """The members of an object and of those in it, by name."""
    if isinstance(record, dict):
        for name, value in record.items():
            yield name, value
            yield from _members(value)
    elif isinstance(record, list):
        for each in record:
            yield from _members(each)
