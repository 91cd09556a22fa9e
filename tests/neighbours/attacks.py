"""What can be done to an operation of the OpenAPI document, as requests; what fits it follows from its description."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

METHODS = ("get", "post", "patch", "put", "delete")
# As much as the gateway takes; what is public takes less.
_LARGEST = 1_048_576
_LARGEST_PUBLIC = 16_384
_LARGEST_RECORD = 262_144
_MOST_CONDITIONS = 10


@dataclass(frozen=True)
class Target:
    """An operation with the ids put into its path, as one tenant's client calls it."""

    service: str
    method: str
    path: str
    operation: Mapping[str, Any]
    document: Mapping[str, Any]
    token: str | None

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def public(self) -> bool:
        return self.operation.get("security") == []

    @property
    def room(self) -> int:
        """The largest body that gets past the gateway."""
        return _LARGEST_PUBLIC if self.public else _LARGEST

    @property
    def content(self) -> Mapping[str, Any]:
        return self.operation.get("requestBody", {}).get("content", {})

    @property
    def schema(self) -> Mapping[str, Any]:
        """What the body may be, without references."""
        return self.resolved(self.content.get("application/json", {}).get("schema", {}))

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def request(self, body: bytes | None = None, query: str = "", content_type: str = "application/json") -> bytes:
        """The bytes of one call."""
        lines = [f"{self.method.upper()} {self.path}{query} HTTP/1.1", "Host: crm.example", "Connection: close"]
        if self.token is not None and not self.public:
            lines.append(f"Authorization: Bearer {self.token}")
        # A version that no record has, and one that is any: what is deleted by an attack is the attacker's own.
        lines.append('If-Match: "1"')
        if body is not None:
            lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


@dataclass(frozen=True)
class Attack:
    """Requests, how they are sent, and by how many at once."""

    kind: str
    target: Target
    requests: list[bytes]
    way: str = "send"
    connections: int = 24

    def __str__(self) -> str:
        return f"{self.kind}: {self.target}"


def plain_body(target: Target) -> tuple[bytes | None, str]:
    """The body of the document's example."""
    for kind, described in target.content.items():
        example = described.get("example")
        if kind == "application/json":
            return json.dumps(example if example is not None else {}).encode(), kind
        if kind == "application/x-www-form-urlencoded":
            return urlencode(example or {}).encode(), kind
        return b"x" * 1_000, kind
    return None, ""


def parallel(target: Target) -> Attack:
    body, kind = plain_body(target)
    return Attack("parallel", target, [target.request(body, content_type=kind)], connections=40)


def slow_body(target: Target) -> Attack:
    body, kind = plain_body(target)
    assert body is not None
    whole = body.ljust(target.room - 1) if kind == "application/json" else b"x" * (target.room - 1)
    return Attack("slow body", target, [target.request(whole, content_type=kind)], way="drip", connections=64)


def slow_reader(target: Target) -> Attack:
    query = "?limit=100" if any(one["name"] == "limit" for one in _query_parameters(target)) else ""
    return Attack("slow reader", target, [target.request(query=query)], way="stall", connections=48)


def nested(target: Target) -> Attack:
    deep = target.room // 2 - 100
    forms = [b"[" * deep + b"]" * deep, b'{"a":' * (deep // 4) + b"1" + b"}" * (deep // 4)]
    for name in target.schema.get("properties", {}):
        some = 5_000
        forms.append(b"{%s:%s%s}" % (json.dumps(name).encode(), b"[" * some, b"]" * some))
    return Attack("nested", target, [target.request(form) for form in forms])


def wide(target: Target) -> Attack:
    room = target.room - 200
    forms = [
        _object(f'"f{number}":0' for number in range(room // 11)),
        b"[" + b"0," * (room // 2 - 1) + b"0]",
        json.dumps("x" * room).encode(),
    ]
    # More values than a body may have, and then texts that do not end.
    sizes = sorted({room, min(room, _LARGEST_RECORD - 200)})
    forms += [(b"[" + b"0," * 60_000 + b'"' + b'\\"' * size)[:size] for size in sizes]
    # As large as the gateway lets pass, and as large as a service takes of one record.
    for size in sizes:
        for name, described in target.schema.get("properties", {}).items():
            forms += [_member(name, value) for value in _wide_values(target.resolved(described), size - len(name) - 10)]
    return Attack("wide", target, [target.request(form) for form in forms])


def _wide_values(schema: Mapping[str, Any], room: int) -> Iterator[bytes]:
    kinds = schema.get("type", "")
    if "array" in kinds or "object" in kinds or not kinds:
        for item in (b"0", b"{}", b'"a"', b"[]"):
            yield b"[%s%s]" % ((item + b",") * (room // (len(item) + 1) - 2), item)
        yield _object(f'"k{number}":0' for number in range(room // 12))
    elif "string" in kinds:
        yield b'"%s"' % (b"x" * room)
    else:
        yield b"9" * room


def _member(name: str, value: bytes) -> bytes:
    return b"{%s:%s}" % (json.dumps(name).encode(), value)


def costly_query(target: Target) -> Attack:
    names = _asked(target)
    always = {"limit": "100", "include": "total"}
    given = {name: value for name, value in always.items() if any(one["name"] == name for one in names)}
    filters = [one for one in names if one.get("x-filter") or one["name"] == "q"]
    others = [one for one in names if one not in filters and one["name"] not in given]
    # What looks through texts costs most; what takes many values comes next.
    filters.sort(key=lambda one: ("contains" not in one["name"], one["name"] != "q", "[in]" not in one["name"]))
    queries = []
    for sort in _sorts(names):
        values = given | {one["name"]: _value(one) for one in others if one["name"] not in ("sort", "fields")} | sort
        chosen = values | {one["name"]: _value(one) for one in filters[:_MOST_CONDITIONS]}
        queries += [chosen, values, values | {one["name"]: _value(one) for one in filters[:1]}]
    texts = [urlencode(query) for query in queries]
    # One label again and again, and as many conditions as an address holds.
    if filters:
        texts.append("&".join([f"{quote(filters[0]['name'])}=a"] * 100))
        texts.append("&".join(f"{quote(one['name'])}={quote(_value(one))}" for one in filters)[:3_500])
    return Attack("costly query", target, [target.request(query=f"?{text}") for text in texts])


def _object(members: Iterator[str]) -> bytes:
    return ("{" + ",".join(members) + "}").encode()


def _query_parameters(target: Target) -> list[Mapping[str, Any]]:
    return [one for one in target.operation.get("parameters", []) if one["in"] == "query"]


def _sorts(names: list[Mapping[str, Any]]) -> list[dict[str, str]]:
    for one in names:
        if one["name"] == "sort":
            by = one["schema"].get("items", {}).get("enum", [])
            return [{"sort": field} for field in by[:: max(len(by) // 3, 1)]] or [{}]
    return [{}]


def _value(parameter: Mapping[str, Any]) -> str:
    schema = parameter["schema"]
    if "enum" in schema:
        return str(schema["enum"][0])
    if schema.get("type") == "array":
        item = {"name": parameter["name"], "schema": schema.get("items", {})}
        if "enum" in item["schema"]:
            return ",".join(map(str, item["schema"]["enum"][:10]))
        return ",".join(f"{number}" for number in range(1, min(schema.get("maxItems", 100), 100) + 1))
    if schema.get("format") == "date-time":
        return "2001-01-01T00:00:00Z"
    if schema.get("format") == "date":
        return "2026-01-01"
    return {"integer": "7", "boolean": "false", "number": "1"}.get(str(schema.get("type")), "e")


def _asked(target: Target) -> list[Mapping[str, Any]]:
    return [one for one in _query_parameters(target) if one["name"] != "cursor"]


def _takes_json(target: Target) -> bool:
    return "application/json" in target.content


# Of each kind, whether it fits an operation, and how it is made, which takes its time.
KINDS: Mapping[str, tuple[Callable[[Target], bool], Callable[[Target], Attack]]] = {
    "parallel": (lambda _: True, parallel),
    "slow body": (lambda target: bool(target.content), slow_body),
    "slow reader": (lambda target: target.method == "get", slow_reader),
    "nested": (_takes_json, nested),
    "wide": (_takes_json, wide),
    "costly query": (lambda target: target.method == "get" and bool(_asked(target)), costly_query),
}
