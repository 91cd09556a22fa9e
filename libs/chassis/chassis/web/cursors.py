"""Cursors: where a list goes on, signed, and bound to the tenant and the question they belong to."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import orjson

from chassis.errors import BadRequest

SIGNATURE = 16
# Three sort keys at their longest: 255 control characters take six bytes each in JSON, and base64 adds a third.
LONGEST = 3072


def seal(secret: str, question: bytes, values: tuple[Any, ...]) -> str:
    """A cursor: the sort keys of a page's last row. `question` is what the list was asked, tenant included."""
    body = orjson.dumps(values)
    return urlsafe_b64encode(_sign(secret, question, body) + body).rstrip(b"=").decode()


def unseal(secret: str, question: bytes, cursor: str) -> list[Any]:
    """The sort keys in a cursor. Raises BadRequest for one that was made for another question, or not by us."""
    try:
        raw = urlsafe_b64decode(cursor[:LONGEST].encode("ascii") + b"=" * (-len(cursor[:LONGEST]) % 4))
    except ValueError:
        raise BadRequest("invalid_cursor", "The cursor is not one of ours.") from None
    signature, body = raw[:SIGNATURE], raw[SIGNATURE:]
    if not hmac.compare_digest(signature, _sign(secret, question, body)):
        raise BadRequest(
            "cursor_mismatch", "The cursor belongs to another list: keep filters and sort as they were, or start anew."
        )
    values: list[Any] = orjson.loads(body)
    return values


def _sign(secret: str, question: bytes, body: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"%d:%s%s" % (len(question), question, body), sha256)[:SIGNATURE]
