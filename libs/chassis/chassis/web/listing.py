"""The grammar of lists: `field[op]=value`, `sort=-created_at,name`, `q`, `limit`, `cursor`, `fields`, `include`."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from flask import Response, current_app, request

from chassis.context import current, tenant
from chassis.db.kinds import OF_EQUALS, OF_WORD, Kind
from chassis.db.listing import DEFAULT_PAGE, LARGEST_PAGE, Listing, ListQuery, Page, Shape
from chassis.db.records import Record
from chassis.errors import BadRequest, FieldError
from chassis.web import cursors
from chassis.web.answers import JSON
from chassis.web.expansion import EXPAND
from chassis.web.request import this_request

MOST_PARAMETERS = 40
MOST_VALUES = 100
MOST_CONDITIONS = 10
MOST_SORTS = 3
LONGEST_SEARCH = 200
LONGEST_KEPT = 400
_RESERVED = ("limit", "cursor", "sort", "fields", "include")


def parse(listing: Listing, *, expands: bool = False) -> ListQuery:
    """What the request's query string asks of `listing`. Raises BadRequest that names what is allowed.

    With `expands` whoever answers reads `expand=` as well (`chassis.web.expansion`).
    """
    query, cursor = _parse(listing, request.query_string, expands)
    if not cursor:
        return query
    sealed = cursors.unseal(_secret(), _question(listing, query), cursor)
    keys = tuple(
        None if value is None else kind.parse(str(value))
        for kind, value in zip(listing.key_kinds(query.shape), sealed, strict=True)
    )
    return replace(query, after=keys)


def parse_filter(listing: Listing, text: str) -> ListQuery:
    """A filter in the grammar of lists that stands in a body: conditions alone, one at least. Raises BadRequest."""
    query, _ = _parse(listing, text.removeprefix("?").encode())
    plain, _ = _parse(listing, b"")
    conditions = query.shape.conditions
    shape = replace(plain.shape, conditions=conditions, sort=_sort(listing, None, conditions))
    if query != replace(plain, shape=shape, values=query.values):
        raise _refuse(
            "filter", "conditions_only", "A filter has conditions alone, no sort, limit, fields, include or q."
        )
    if not query.values:
        raise _refuse("filter", "no_condition", "A filter without a condition finds everything; id[gt]=0 says so.")
    return query


def confirmation(listing: Listing, query: ListQuery, change: bytes, records: Iterable[Record], expires: int) -> str:
    """A token that says: this caller has seen that `change` is of these records; good until `expires` (Unix time)."""
    return cursors.seal(_secret(), _change(listing, query, change), (_states(records), expires))


def confirms(listing: Listing, query: ListQuery, change: bytes, records: Iterable[Record], token: str) -> bool:
    """Whether the token is of just these records in just these states, and still good.

    Every change raises a version, so a token that was used is none any more. Raises BadRequest for one of another
    caller, filter or change.
    """
    try:
        states, expires = cursors.unseal(_secret(), _change(listing, query, change), token)
    except BadRequest:
        detail = "The confirmation is of another filter, another change or another caller; ask for the count anew."
        raise BadRequest("confirmation_mismatch", detail, (FieldError("/confirm", "mismatch", detail),)) from None
    return bool(states == _states(records) and time.time() <= expires)


def _states(records: Iterable[Record]) -> str:
    return sha256(repr([(record.id, record.version) for record in records]).encode()).hexdigest()


def _change(listing: Listing, query: ListQuery, change: bytes) -> bytes:
    return b"change:%d:" % (current().user_id or 0) + _question(listing, query) + change


def answer_page(listing: Listing, query: ListQuery, page: Page) -> Response:
    """The envelope of a page, with the cursor of the next one and its Link (RFC 8288)."""
    headers = {}
    sealed = next_cursor(listing, query, page)
    cursor = orjson.dumps(sealed)
    if sealed is not None:
        asked = this_request()
        # A cursor is written in letters that stand for themselves in an address.
        headers["Link"] = f'<{asked.path}?{_without_cursor(asked.query_string)}cursor={sealed}>; rel="next"'
    more = b"false" if page.last is None else b"true"
    total = b"" if page.total is None else b',"total":%d' % page.total
    body = b'{"data":%s,"page":{"next_cursor":%s,"has_more":%s%s}}' % (page.data, cursor, more, total)
    return Response(body, 200, headers, content_type=JSON)


def _without_cursor(query_string: bytes) -> str:
    """What a query string asks beside its cursor, with the `&` behind it. Short ones are kept, as in `_parse`."""
    write = _rewritten if len(query_string) <= LONGEST_KEPT else _rewritten.__wrapped__
    return write(query_string)


@lru_cache(maxsize=4096)
def _rewritten(query_string: bytes) -> str:
    given = parse_qsl(query_string.decode("utf-8", "replace"), keep_blank_values=True)
    return "".join(f"{urlencode([pair])}&" for pair in given if pair[0] != "cursor")


def next_cursor(listing: Listing, query: ListQuery, page: Page) -> str | None:
    """The cursor by which the list goes on behind a page; None where it is the last."""
    return None if page.last is None else cursors.seal(_secret(), _question(listing, query), page.last)


def _secret() -> str:
    secret: str = current_app.config["CURSOR_SECRET"]
    return secret


def _question(listing: Listing, query: ListQuery) -> bytes:
    """What a cursor is bound to: the tenant, the list, its filters in whatever order, its sort, but not its size."""
    shape = query.shape
    asked = sorted(map(repr, zip(shape.conditions, query.values, strict=True)))
    return repr((tenant(), listing.view.name, asked, shape.sort, query.words)).encode()


def _parse(listing: Listing, query_string: bytes, expands: bool = False) -> tuple[ListQuery, str]:
    """The query string understood, and its cursor. Short ones are kept: clients ask the same few questions again.

    Long ones are not, since thousands of them, with hundreds of values each, would fill a worker's memory.
    """
    read = _understood if len(query_string) <= LONGEST_KEPT else _understood.__wrapped__
    return read(listing, query_string, expands)


@lru_cache(maxsize=4096)
def _understood(listing: Listing, query_string: bytes, expands: bool) -> tuple[ListQuery, str]:
    try:
        pairs = parse_qsl(
            query_string.decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict"
        )
    except ValueError:
        raise BadRequest(
            "malformed_query", f"The query string is not UTF-8 or has over {MOST_PARAMETERS} parts."
        ) from None
    known = (*_known_parameters(listing), *((EXPAND,) if expands else ()))
    reserved = {name: value for name, value in pairs if name in known}
    filters = [(name, value) for name, value in pairs if name not in known]
    if len(reserved) + len(filters) != len(pairs):
        raise _refuse("", "repeated_parameter", f"Each of {', '.join(known)} can be given once.")
    words = _words(reserved)
    if len(filters) > MOST_CONDITIONS:
        raise _refuse("", "too_many_conditions", f"At most {MOST_CONDITIONS} conditions are taken.")
    conditions: list[tuple[str, str]] = []
    values: list[Any] = []
    for name, text in filters:
        if name in listing.words:
            if any(name == given for given, _ in conditions):
                raise _refuse(name, "repeated_parameter", f"{name[:60]} can be given once.")
            condition, value = _word(listing, name, text), None
        else:
            condition, value = _filter(listing, name, text)
        is_label = condition[0] in listing.labels
        if condition in conditions and (not is_label or value in values):
            raise _refuse(name, "repeated_parameter", f"{name[:60]} can be given once{' a value' * is_label}.")
        conditions.append(condition)
        values.append(value)
    shape = Shape(
        fields=None if (chosen := reserved.get("fields")) is None else read_fields(chosen, listing.fields),
        conditions=tuple(conditions),
        sort=_sort(listing, reserved.get("sort"), conditions),
        limit=_limit(reserved.get("limit")),
        after=bool(reserved.get("cursor")),
        search=bool(words),
    )
    if "include" in reserved and reserved["include"] != "total":
        raise _refuse("include", "unknown_include", "Only include=total is known.")
    options = tuple((name, reserved[name]) for name in listing.options if name in reserved)
    query = ListQuery(shape, tuple(values), total="include" in reserved, words=words, options=options)
    return query, reserved.get("cursor", "")


def _known_parameters(listing: Listing) -> tuple[str, ...]:
    return (*_RESERVED, *(("q",) if listing.search else ()), *listing.options)


def _words(reserved: dict[str, str]) -> str:
    """What is searched for; without it the list is one like any other."""
    words = reserved.get("q", "").strip()
    if "\x00" in words or len(words) > LONGEST_SEARCH:
        raise _refuse("q", "invalid_value", f"q has up to {LONGEST_SEARCH} characters, of which none is NUL.")
    if words and "sort" in reserved:
        raise _refuse("sort", "not_with_search", "What is searched for comes best first; leave sort out.")
    return words


def _word(listing: Listing, name: str, text: str) -> tuple[str, str]:
    allowed = listing.words[name]
    if text not in allowed:
        raise _refuse(name, "invalid_value", f"{name} takes {', '.join(allowed)}.")
    return name, f"{OF_WORD}{text}"


def _filter(listing: Listing, parameter: str, text: str) -> tuple[tuple[str, str], Any]:
    name, bracket, rest = parameter.partition("[")
    operator = rest.removesuffix("]") if bracket else "eq"
    kind = listing.filters.get(name)
    if kind is None or (bracket and not rest.endswith("]")):
        allowed = ", ".join((*listing.filters, *listing.words, *_known_parameters(listing)))
        raise _refuse(parameter, "unknown_parameter", f"There is no parameter {parameter[:60]!r}; allowed: {allowed}.")
    if operator not in kind.operators:
        allowed = ", ".join(kind.operators)
        raise _refuse(parameter, "unknown_operator", f"{name} takes the operators {allowed}.")
    value = _value(kind, parameter, operator, text)
    return (name, "not_null" if operator == "is_null" and not value else operator), value


def _value(kind: Kind, parameter: str, operator: str, text: str) -> Any:
    try:
        if operator == "is_null":
            return {"true": True, "false": False}[text]
        if operator == "in":
            return [_equal(kind, kind.parse(part)) for part in _few(text.split(","))]
        value = kind.parse(text)
    except KeyError:
        raise _refuse(parameter, "invalid_value", "true or false is wanted.") from None
    except (ValueError, OverflowError) as error:
        raise _refuse(parameter, "invalid_value", f"{error}.") from None
    if operator == "contains":
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"%{escaped}%"
    return _equal(kind, value) if operator in OF_EQUALS else value


def _equal(kind: Kind, value: Any) -> Any:
    """What of a value is compared where it is to be equal."""
    return value if kind.key is None else kind.key(value)


def _few(parts: list[str]) -> list[str]:
    if len(parts) > MOST_VALUES:
        raise ValueError(f"at most {MOST_VALUES} values are taken")
    return parts


def read_fields(text: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """The fields that `fields=` names, each once. Raises BadRequest for one that is not among those `allowed`."""
    return tuple(dict.fromkeys(_known("fields", part, allowed) for part in text.split(",")))


def _sort(listing: Listing, text: str | None, conditions: Iterable[tuple[str, str]]) -> tuple[tuple[str, bool], ...]:
    if text is None:
        words = (listing.words[name][word.removeprefix(OF_WORD)] for name, word in conditions if name in listing.words)
        return next((word.sort for word in words if word.sort is not None), listing.default_sort)
    parts = text.split(",")
    if len(parts) > MOST_SORTS:
        raise _refuse("sort", "too_many_sorts", f"At most {MOST_SORTS} fields are sorted by.")
    named = ((_known("sort", part.removeprefix("-"), listing.sorts), part.startswith("-")) for part in parts)
    keys = {listing.ranks.get(name, name): descending for name, descending in named}
    for name in list(keys)[1:]:
        if listing.may_lack(name):
            raise _refuse("sort", "not_first", f"{name} may be empty; sort by it first, or not at all.")
    return tuple(keys.items())


def _known(parameter: str, name: str, allowed: Any) -> str:
    if name not in allowed:
        raise _refuse(parameter, f"unknown_{parameter}", f"{name[:60]!r} is none of {', '.join(allowed)}.")
    return name


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not 1 <= int(text) <= LARGEST_PAGE:  # noqa: PLR2004
        raise _refuse("limit", "invalid_value", f"limit is a number from 1 to {LARGEST_PAGE}.")
    return int(text)


def _refuse(parameter: str, code: str, detail: str) -> BadRequest:
    return BadRequest("invalid_query", detail, (FieldError(parameter[:100], code, detail),))


def fields_parameter(allowed: Sequence[str]) -> dict[str, Any]:
    """`fields=` for the OpenAPI description of a list or of a record."""
    items = {"type": "string", "enum": list(allowed)}
    return _parameter("fields", "Only these fields, by commas.", _several(items, len(allowed)))


def parameters(listing: Listing) -> list[dict[str, Any]]:
    """The list's query parameters for its OpenAPI description; `x-filter` and `x-sortable` say it to programs."""
    descending = [f"-{name}" for name in listing.sorts]
    rows = [
        _parameter(
            "limit",
            "How many records a page holds; where they are long, it ends with the one that reaches 1 MiB.",
            {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": DEFAULT_PAGE},
        ),
        _parameter("cursor", "`page.next_cursor` of the page before.", {"type": "string"}),
        {
            **_parameter(
                "sort",
                f"Up to {MOST_SORTS} fields, each with `-` for descending, by commas.",
                _several({"type": "string", "enum": [*listing.sorts, *descending]}, MOST_SORTS),
            ),
            "x-sortable": list(listing.sorts),
        },
        fields_parameter(listing.fields),
        _parameter("include", "Count all.", {"type": "string", "enum": ["total"]}),
    ]
    if listing.search:
        description = "Words to search for: beginnings, accents and typing errors do no harm. Best first."
        rows.append(_parameter("q", description, {"type": "string", "maxLength": LONGEST_SEARCH}))
    for name, allowed in listing.words.items():
        said = {"field": name, "kind": "word", "operators": ["eq"]}
        enum = {"type": "string", "enum": list(allowed)}
        rows.append({**_parameter(name, f"Only where {name} is this.", enum), "x-filter": said})
    rows += [
        _parameter(name, f"The {name.replace('_', ' ')} that dates are meant in.", {"type": "string"})
        for name in listing.options
    ]
    for name, kind in listing.filters.items():
        for operator in kind.operators:
            schema, words = _operand(kind, operator)
            parameter = name if operator == "eq" else f"{name}[{operator}]"
            said = {"field": name, "kind": kind.description, "operators": list(kind.operators)}
            rows.append({**_parameter(parameter, f"Only where {name} {words}.", schema), "x-filter": said})
    return rows


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    row = {"name": name, "in": "query", "description": description, "schema": schema}
    return {**row, "style": "form", "explode": False} if schema["type"] == "array" else row


def _several(schema: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "items": schema, "minItems": 1, "maxItems": most}


_SCHEMAS: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer", "format": "int64"},
    "timestamp": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "decimal": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
    "boolean": {"type": "boolean"},
}
_WORDS = {
    "eq": "is this",
    "ne": "is not this; null is not either",
    "gt": "is greater",
    "gte": "is this or greater",
    "lt": "is less",
    "lte": "is this or less",
    "contains": "contains this, in capital letters or small ones",
}


def _operand(kind: Kind, operator: str) -> tuple[dict[str, Any], str]:
    """What an operator takes of a kind, as a schema, and what that means."""
    value = _SCHEMAS.get(kind.description, {"type": "string"})
    if kind.choices:
        value = {**value, "enum": list(kind.choices)}
    if operator == "is_null":
        return {"type": "boolean"}, "is null (true) or is not (false)"
    if operator == "in":
        return _several(value, MOST_VALUES), "is one of these, by commas"
    return value, _WORDS[operator]
