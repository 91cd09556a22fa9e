"""Requests that are not what they should be, made of those of the document by chance."""

import random
from collections.abc import Callable, Sequence

from neighbours.attacks import Target, plain_body

_VALUES = [
    b"null", b"NaN", b"1e999", b"-0", b"99999999999999999999", b'"\\ud800"', b'"\\u0000"', b"[]", b"{}", b"true", b'"', b"[[[[",
    b"\xff\xfe", b"\xef\xbb\xbf{}", b"1.7976931348623157e308", b'{"a":1,"a":2}', b'"' + b"x" * 5_000 + b'"',
]  # fmt: skip
_HEADERS = [
    b"Content-Length: -1", b"Content-Length: 5, 6", b"Content-Length: x", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Expect: 200-maybe", b'If-Match: *, W/"', b"If-None-Match: ,,,",
    b"Idempotency-Key: \xff", b"Idempotency-Key: " + b"k" * 5_000, b"Accept-Encoding: \x7f", b"Accept: ;q=9", b"Range: bytes=5-1",
    b"X-Request-Id: \x01", b"Bad Name: 1", b": empty", b"Content-Type: application/json; charset=utf-99", b"Content-Encoding: br",
    b"Authorization: Bearer a.b.c", b"Host: \xff", b"Cookie: " + b"a=b; " * 500, b"Upgrade: h2c\r\nConnection: upgrade",
]  # fmt: skip
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


def _in_path(chance: random.Random, head: bytes, body: bytes) -> bytes:
    line, _, rest = head.partition(b"\r\n")
    method, path, version = line.split(b" ")
    parts = path.split(b"/")
    parts[chance.randrange(1, len(parts))] = chance.choice(_PATHS)
    return b" ".join((method, b"/".join(parts), version)) + b"\r\n" + rest + body


def _in_query(chance: random.Random, head: bytes, body: bytes) -> bytes:
    line, _, rest = head.partition(b"\r\n")
    method, path, version = line.split(b" ")
    query = b"&".join(chance.choices(_QUERIES, k=chance.randint(1, 3)))
    return b" ".join((method, path + b"?" + query, version)) + b"\r\n" + rest + body


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
            b"0\r\nA: \x01\r\n\r\n",
        ]
    )
    return head.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n") + chunks + end


def _sized(head: bytes, body: bytes) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-length", b"content-type"))]
    lines = [*lines[:-2], b"Content-Type: application/json", b"Content-Length: %d" % len(body), b"", b""]
    return b"\r\n".join(lines) + body


_WAYS: Sequence[Callable[[random.Random, bytes, bytes], bytes]] = (
    _in_body, _in_values, _in_values, _in_headers, _in_path, _in_query, _in_query, _in_line, _in_chunks,
)  # fmt: skip


def malformed(targets: Sequence[Target], count: int, seed: int) -> list[bytes]:
    """So many requests, the same for the same seed."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        target = chance.choice(targets)
        body, kind = plain_body(target)
        head, _, rest = target.request(body, content_type=kind).partition(b"\r\n\r\n")
        made.append(chance.choice(_WAYS)(chance, head + b"\r\n\r\n", rest))
    return made
