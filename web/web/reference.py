"""The API's document as its page reads it: what is said again and again said once, in the words of OpenAPI 3.0.

Swagger UI turns a whole document of 3.1 into objects before it shows anything, and again for each operation that is
opened, which takes half a minute for one of ours. Of 3.0 it reads what is opened. Programs get `/openapi.json`, which
is the document; this is a picture of it.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

OPENAPI = "3.0.3"
# Values for people and programs, in which nothing is a schema.
_VALUES = ("example", "default", "enum")
_NULL = {"type": "null"}


def for_reading(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document that shows the same, in a quarter of the size."""
    read: dict[str, Any] = _older(document)
    read["openapi"] = OPENAPI
    for kind, places in (("responses", _responses), ("parameters", _parameters)):
        _share(read, kind, list(places(read)))
    return read


def _share(document: dict[str, Any], kind: str, found: list[tuple[Any, Any]]) -> None:
    """Make what is there more than once a component, and refer to it."""
    texts = [json.dumps(holder[key], sort_keys=True) for holder, key in found]
    times = Counter(texts)
    names: dict[str, str] = {}
    components = document["components"].setdefault(kind, {})
    for (holder, key), text in zip(found, texts, strict=True):
        if times[text] > 1 and "$ref" not in holder[key]:
            name = names.setdefault(text, f"shared_{len(names) + 1}")
            components[name] = holder[key]
            holder[key] = {"$ref": f"#/components/{kind}/{name}"}


def _responses(document: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    for operation in _operations(document):
        yield from ((operation["responses"], status) for status in operation["responses"])


def _parameters(document: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    for operation in _operations(document):
        parameters = operation.get("parameters", [])
        yield from ((parameters, index) for index in range(len(parameters)))


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (each for each in path.values() if isinstance(each, dict) and "responses" in each)


def _older(value: Any) -> Any:
    """The same in OpenAPI 3.0, which has `nullable` for null and no `const`; what it is copied from stays as it is."""
    if isinstance(value, list):
        return [_older(each) for each in value]
    if not isinstance(value, dict):
        return value
    older = {key: each if key in _VALUES else _older(each) for key, each in value.items()}
    if isinstance(older.get("type"), list):
        kinds = [kind for kind in older.pop("type") if kind != "null"]
        older |= {"type": kinds[0]} if len(kinds) == 1 else {}
        older["nullable"] = True
    if isinstance(older.get("anyOf"), list) and _NULL in older["anyOf"]:
        others = [each for each in older.pop("anyOf") if each != _NULL]
        older |= {"allOf" if len(others) == 1 else "anyOf": others, "nullable": True}
    if "const" in older and "properties" not in older:
        older["enum"] = [older.pop("const")]
    if isinstance(older.get("examples"), list):
        older.setdefault("example", older.pop("examples")[0])
    return older
