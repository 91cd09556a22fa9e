"""What of a document would break a client of an earlier one."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from web.document import operations_of

_SCHEMAS = "#/components/schemas/"
_PART = re.compile(r"\{\w+\}")
# Words for people may change at any time, and so may what is derived from them.
_WORDS = {"description", "example", "examples", "summary", "title", "x-problems", "x-codes", "x-tagGroups", "tags"}


def surface(document: Mapping[str, Any]) -> dict[str, Any]:
    """Of a document what clients depend on: what is kept of a release to compare later ones with."""
    paths: dict[str, Any] = {}
    for path, method, operation in operations_of(document):
        parameters = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        # What a part of the path is called is for people: who calls it writes a value there.
        paths.setdefault(_PART.sub("{}", path), {})[method] = {
            "operationId": operation["operationId"],
            "x-permission": operation.get("x-permission", ""),
            "parameters": _bare([each for each in parameters if each["in"] != "path"]),
            "requestBody": _bare(operation.get("requestBody", {})),
            "responses": _bare({key: each for key, each in operation["responses"].items() if key.startswith("2")}),
        }
    return {"paths": paths, "components": {"schemas": _bare(document["components"]["schemas"], named=True)}}


def _bare(value: Any, *, named: bool = False) -> Any:
    """A value without words; the names of members are no words, whatever they are."""
    if isinstance(value, list):
        return [_bare(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _bare(each, named=key == "properties") for key, each in value.items() if named or key not in _WORDS}


def breaking(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A sentence for each difference between two surfaces that a client of `before` would notice."""
    found: list[str] = []
    for path, method, old in operations_of(before):
        place = f"{method.upper()} {path}"
        new = now["paths"].get(path, {}).get(method)
        if new is None:
            found.append(f"{place} is gone")
            continue
        comparison = _Comparison(before, now)
        found += [f"{place}: {fault}" for fault in comparison.operation(old, new)]
    return found


class _Comparison:
    """One operation of two documents, with the schemas that it refers to in each."""

    def __init__(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        self._before, self._now = before["components"]["schemas"], now["components"]["schemas"]
        self._seen: set[tuple[str, str, bool]] = set()

    def operation(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        for key, word in (("operationId", "is called"), ("x-permission", "asks for the permission")):
            if old[key] != new[key]:
                yield f"{word} {new[key] or 'nothing'} instead of {old[key] or 'nothing'}"
        was = {(each["in"], each["name"]): each for each in old["parameters"]}
        present = {(each["in"], each["name"]): each for each in new["parameters"]}
        for known, parameter in was.items():
            if known not in present:
                yield f"the parameter {known[1]} is gone"
            else:
                yield from self.given(parameter["schema"], present[known]["schema"], known[1])
        for known, parameter in present.items():
            if parameter.get("required") and not was.get(known, {}).get("required"):
                yield f"the parameter {known[1]} is required"
        yield from self._bodies(old, new)

    def _bodies(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        if new["requestBody"].get("required") and not old["requestBody"].get("required"):
            yield "a body is required"
        for content_type, content in old["requestBody"].get("content", {}).items():
            if content_type not in new["requestBody"].get("content", {}):
                yield f"no body of {content_type} is taken"
            else:
                yield from self.given(content["schema"], new["requestBody"]["content"][content_type]["schema"], "body")
        for status, answer in old["responses"].items():
            if status not in new["responses"]:
                yield f"{status} is answered no more"
                continue
            for content_type, content in answer.get("content", {}).items():
                other = new["responses"][status].get("content", {}).get(content_type)
                if other is None:
                    yield f"no {content_type} is answered"
                elif "schema" in content:
                    yield from self.answered(content["schema"], other.get("schema", {}), "answer")

    def given(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[str]:
        """What a client may send is to be taken still."""
        yield from self._compare(old, new, place, answer=False)

    def answered(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[str]:
        """What a client relies on is to be answered still; more may come."""
        yield from self._compare(old, new, place, answer=True)

    def _compare(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str, *, answer: bool) -> Iterator[str]:
        key = (str(old.get("$ref")), str(new.get("$ref")), answer)
        if "$ref" in old and key in self._seen:
            return
        self._seen.add(key)
        old, new = _resolve(old, self._before), _resolve(new, self._now)
        was, present = _types(old), _types(new)
        lost = (present - was) if answer else (was - present)
        if was and present and lost:
            yield f"{place} is {'/'.join(sorted(present))} instead of {'/'.join(sorted(was))}"
            return
        if not answer:
            yield from _narrower(old, new, place)
        yield from self._members(old, new, place, answer=answer)
        if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
            yield from self._compare(old["items"], new["items"], f"{place}[]", answer=answer)

    def _members(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str, *, answer: bool) -> Iterator[str]:
        was, present = old.get("properties", {}), new.get("properties", {})
        for name, schema in was.items():
            if name not in present:
                yield f"{place}.{name} is gone"
            else:
                yield from self._compare(schema, present[name], f"{place}.{name}", answer=answer)
        required, demanded = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted((required - demanded) & present.keys() if answer else demanded - required):
            yield f"{place}.{name} {'may be missing' if answer else 'is required'}"


def _narrower(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[str]:
    """What was allowed and is allowed no more."""
    if "enum" in new and (gone := [value for value in old.get("enum", ["anything"]) if value not in new["enum"]]):
        yield f"{place} takes no more {', '.join(map(str, gone))}"
    for limit, sign in (("maximum", 1), ("maxLength", 1), ("maxItems", 1), ("minimum", -1), ("minLength", -1)):
        if limit in new and (limit not in old or new[limit] * sign < old[limit] * sign):
            yield f"{place} has {limit} {new[limit]}"


def _resolve(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_SCHEMAS)]
    return schema


def _types(schema: Mapping[str, Any]) -> set[str]:
    kind = schema.get("type", [])
    return {kind} if isinstance(kind, str) else set(kind)
