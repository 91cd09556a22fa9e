"""Requests that are not what they should be, made of those of the document by chance.

Each way spoils one part of a request that would otherwise be good: its line, its headers, its path, its query, its body
as HTTP takes it, as JSON takes it, or as the document describes it.
"""

import json
import random
from collections.abc import Callable, Sequence

from neighbours.attacks import Target, plain_body

_VALUES = [
    b"null", b"NaN", b"1e999", b"-0", b"99999999999999999999", b'"\\ud800"', b'"\\u0000"', b"[]", b"{}", b"true", b'"', b"[[[[",
    b"\xff\xfe", b"\xef\xbb\xbf{}", b"1.7976931348623157e308", b'{"a":1,"a":2}', b'"' + b"x" * 5_000 + b'"',
    b"9" * 5_000, b"-9223372036854775809", b"0.1e-999", b"[" * 2_000 + b"]" * 2_000, b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    b'"\xc3\x28"', b'"\xed\xa0\x80"', b'"9999-12-31T23:59:60Z"', b'"0000-00-00"', b'"1e400"', b'"-1"', b'""', b"[null]", b"[[]]",
    b'{"":{"":{}}}', b'"\\ud83d"', b'"\\u202e\\u0007"', b"0x10", b"1_000", b"+1", b".5", b"'a'", b"Infinity", b"-",
]  # fmt: skip
_HEADERS = [
    b"Content-Length: -1", b"Content-Length: 5, 6", b"Content-Length: x", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Expect: 200-maybe", b'If-Match: *, W/"', b"If-None-Match: ,,,",
    b"Idempotency-Key: \xff", b"Idempotency-Key: " + b"k" * 5_000, b"Accept-Encoding: \x7f", b"Accept: ;q=9", b"Range: bytes=5-1",
    b"X-Request-Id: \x01", b"Bad Name: 1", b": empty", b"Content-Type: application/json; charset=utf-99", b"Content-Encoding: br",
    b"Authorization: Bearer a.b.c", b"Host: \xff", b"Cookie: " + b"a=b; " * 500, b"Upgrade: h2c\r\nConnection: upgrade",
    b"X-Long: " + b"x" * 29_000, b"X-Longer: " + b"x" * 40_000, b"\r\n".join(b"H%d: x" % number for number in range(100)),
    b"Content-Length: 2\r\nContent-Length: 3", b"Host: a\r\nHost: b", b"Content-Type: text/html\r\nContent-Type: application/json",
    b"Prefer: wait=99999999999999999999", b"Prefer: wait=-1, wait=x; a=", b"Prefer: " + b"wait=0," * 200, b'If-Match: "1", "2"',
    b'If-Match: W/"1"', b'If-Match: "99999999999999999999"', b"If-None-Match: *, *", b'If-None-Match: "' + b"1" * 3_000 + b'"',
    b"If-Modified-Since: never", b"If-Unmodified-Since: Fri, 99 Foo 0000", b"Range: bytes=0-,1-,2-", b"Accept: */*;q=1e9, text/\xff",
    b"Accept-Language: " + b"a-b-c," * 200, b"Content-Type: multipart/form-data", b"Content-Type: application/json; charset=\xff",
    b"Content-Type: application/x-www-form-urlencoded", b"Content-Encoding: gzip", b"Trailer: Host", b"TE: trailers, deflate;q=9",
    b"X-HTTP-Method-Override: DELETE", b"traceparent: 00-zz-zz-00", b"User-Agent: \xf0\x9f\x92\xa9" * 3, b"X-Forwarded-For: ::ffff:1",
    b"Origin: null", b"Referer: javascript:0", b"Idempotency-Key:", b"Idempotency-Key: \xe2\x80\xae", b"Connection: close, x, \x00",
    b"A: 1\n B: 2", b" folded: 1", b"Null: a\x00b", b"Lone: a\rb",
]  # fmt: skip
_LINES = [
    b"", b"\r\n\r\n", b"GET", b"GET /", b"GET /v1/customers", b"GET  /v1/customers HTTP/1.1", b"GET /v1/customers HTTP/9.9",
    b"GET /v1/customers HTTP/1.0", b"GET /v1/customers http/1.1", b"PRI * HTTP/2.0\r\n\r\nSM", b"CONNECT a:1 HTTP/1.1",
    b"OPTIONS * HTTP/1.1", b"GET http://x:y@z/v1/customers HTTP/1.1", b"GET //v1/customers HTTP/1.1", b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET /v1/customers\x00 HTTP/1.1", b"GET /v1/customers?" + b"x" * 9_000 + b" HTTP/1.1",
]  # fmt: skip
_METHODS = [
    b"TRACE",
    b"OPTIONS",
    b"HEAD",
    b"PROPFIND",
    b"get",
    b"GE T",
    b"G\x00ET",
    b"M" * 300,
    b"PUT",
    b"DELETE",
    b"PATCH",
    b"POST",
]
_PATHS = [b"%ff", b"%C0%AF", b"%E2%80%AE", b"9" * 40, b"-1", b"0", b"1.5", b"%20", b"'", b"(1)", b"~", b"%F0%9F%92%A9"]
_QUERIES = [
    b"limit=-1", b"limit=1e3", b"limit=%00", b"cursor=AAAA", b"cursor=" + b"A" * 900, b"sort=%ff", b"sort=,,,", b"fields=", b"include=x",
    b"name[contains]=%F0%9F", b"name[", b"id[in]=" + b"1," * 200, b"created_at[gte]=9999-99-99", b"created_at[gte]=0001-01-01T00:00:00%2B14:00",
    b"id=9223372036854775808", b"&&&=&", b"expand=a,b", b"q=%25%5C%27", b"tag=%ED%A0%80", b"created_at[lt]=294277-01-01T00:00:00Z",
]  # fmt: skip


def _in_body(chance: random.Random, head: bytes, body: bytes) -> bytes:
    """Some bytes of the body are others."""
    changed = bytearray(body or b"{}")
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return _sized(head, bytes(changed))


def _in_values(chance: random.Random, head: bytes, body: bytes) -> bytes:
    """A value, or all of them, is something strange."""
    members = body.strip(b"{}").split(b", ") if body.startswith(b"{") and len(body) > 2 else []
    if not members:
        return _sized(head, chance.choice(_VALUES))
    place = chance.randrange(len(members))
    members[place] = members[place].partition(b":")[0] + b":" + chance.choice(_VALUES)
    return _sized(head, b"{" + b",".join(members) + b"}")


def _in_headers(chance: random.Random, head: bytes, body: bytes) -> bytes:
    return head.replace(b"\r\n\r\n", b"\r\n" + chance.choice(_HEADERS) + b"\r\n\r\n") + body


def _in_members(chance: random.Random, target: Target, head: bytes) -> bytes:
    """A member of those that the document knows is something else than it says."""
    known = list(target.schema.get("properties", {}))
    if not known:
        return _sized(head, chance.choice(_VALUES))
    names = chance.sample(known, min(len(known), chance.randint(1, 3)))
    members = (b"%s:%s" % (json.dumps(name).encode(), chance.choice(_VALUES)) for name in names)
    return _sized(head, b"{" + b",".join(members) + b"}")


def _in_cursors(chance: random.Random, head: bytes, body: bytes, cursors: Sequence[str]) -> bytes:
    """Where a list goes on is what another one, or another tenant's, was told; or something of it."""
    cursor = bytearray(chance.choice(cursors).encode())
    if chance.random() < 0.5:
        cursor[chance.randrange(len(cursor))] = chance.choice(b"AZaz09-_=%")
    return _asking(head, b"cursor=" + cursor) + body


def _in_method(chance: random.Random, head: bytes, body: bytes) -> bytes:
    return chance.choice(_METHODS) + head[head.index(b" ") :] + body


def _other_line(chance: random.Random, head: bytes, body: bytes) -> bytes:
    return chance.choice(_LINES) + head[head.index(b"\r\n") :] + body


def _in_length(chance: random.Random, head: bytes, body: bytes) -> bytes:
    """The body is longer or shorter than was said."""
    length = b"Content-Length: %d" % max(0, len(body) + chance.choice([-1, 1, -len(body), 10**6, 10**20]))
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([*lines[:-2], length, b"", b""]) + body


def _in_path(chance: random.Random, head: bytes, body: bytes) -> bytes:
    line, _, rest = head.partition(b"\r\n")
    method, path, version = line.split(b" ")
    parts = path.split(b"/")
    parts[chance.randrange(1, len(parts))] = chance.choice(_PATHS)
    return b" ".join((method, b"/".join(parts), version)) + b"\r\n" + rest + body


def _in_query(chance: random.Random, head: bytes, body: bytes) -> bytes:
    return _asking(head, b"&".join(chance.choices(_QUERIES, k=chance.randint(1, 3)))) + body


def _asking(head: bytes, query: bytes) -> bytes:
    line, _, rest = head.partition(b"\r\n")
    method, path, version = line.split(b" ")
    return b" ".join((method, path + b"?" + query, version)) + b"\r\n" + rest


def _in_line(chance: random.Random, head: bytes, body: bytes) -> bytes:
    _, _, rest = head.partition(b"\r\n")
    line = bytearray(head.partition(b"\r\n")[0])
    line[chance.randrange(len(line))] = chance.randrange(256)
    return bytes(line) + b"\r\n" + rest + body


def _in_chunks(chance: random.Random, head: bytes, body: bytes) -> bytes:
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length"))
    chunks = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
    end = chance.choice(
        [
            b"0\r\n\r\n",
            b"0\r\nHost: y\r\n\r\n",
            b"zz\r\n\r\n",
            b"0\r\nContent-Length: 5\r\n\r\n",
            b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"0\r\nA: \x01\r\n\r\n",
            b"0\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
            b"0\r\n\xff: 1\r\n\r\n",
            b"-1\r\n\r\n",
            b"ffffffffffffffffff\r\n",
            b'3;a="\x00"\r\nabc\r\n0\r\n\r\n',
            b"3\nabc\n0\n\n",
            b"5\r\nabc\r\n0\r\n\r\n",
        ]
    )
    return head.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n") + chunks + end


def _sized(head: bytes, body: bytes) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-length", b"content-type"))]
    lines = [*lines[:-2], b"Content-Type: application/json", b"Content-Length: %d" % len(body), b"", b""]
    return b"\r\n".join(lines) + body


_WAYS: Sequence[Callable[[random.Random, bytes, bytes], bytes]] = (
    _in_body, _in_values, _in_headers, _in_headers, _in_path, _in_query, _in_query, _in_line, _in_chunks, _in_method,
    _other_line, _in_length,
)  # fmt: skip
# How many of all are of those that take more than the request: members of the document, and cursors.
_OF_DOCUMENT, _OF_CURSORS = 0.25, 0.05


def malformed(targets: Sequence[Target], cursors: Sequence[str], count: int, seed: int) -> list[bytes]:
    """So many requests, the same for the same seed, of every target in turn; `cursors` are of any lists."""
    chance = random.Random(seed)
    first = chance.randrange(len(targets))
    made = []
    for number in range(count):
        target = targets[(first + number) % len(targets)]
        body, kind = plain_body(target)
        head, _, rest = target.request(body, content_type=kind).partition(b"\r\n\r\n")
        head += b"\r\n\r\n"
        drawn = chance.random()
        if drawn < _OF_DOCUMENT and target.schema:
            made.append(_in_members(chance, target, head))
        elif drawn > 1 - _OF_CURSORS and target.method == "get" and cursors:
            made.append(_in_cursors(chance, head, rest, cursors))
        else:
            made.append(chance.choice(_WAYS)(chance, head, rest))
    return made
