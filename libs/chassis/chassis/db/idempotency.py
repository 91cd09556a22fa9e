"""Idempotency keys: the answer of a POST stored in the transaction of its effect, and given again to a repetition.

After the IETF draft "The Idempotency-Key HTTP Header Field" (-07). The lookup key holds tenant, principal and route, so
that no key of one caller ever meets another's.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from sqlalchemy import bindparam, insert, select

from chassis.context import current
from chassis.db.locks import try_lock_name
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.db.tables import CHASSIS
from chassis.errors import BadRequest, Conflict, Invalid

LONGEST_KEY = 255
_NOT_KEPT = "Cache-Control"  # Among the stored headers it says that there was a body and why it is not here.
_KEYS = CHASSIS.tables["idempotency_keys"]
_NAMES = ("principal", "route", "key")
_STORED = ("request_hash", "status", "headers", "body")
_FIND = Prepared(
    select(*(_KEYS.c[name] for name in _STORED)).where(
        of_tenant(_KEYS), *(_KEYS.c[name] == bindparam(name, type_=_KEYS.c[name].type) for name in _NAMES)
    )
)
_STORE = Prepared(insert(_KEYS).values(named_values(_KEYS, (*_NAMES, *_STORED))))


@lru_cache(maxsize=1024)
def _principal(user_id: int | None, permissions: frozenset[str]) -> str:
    """Who may be given the answer again: the same user with the same permissions.

    An API key of a user may see less than they do, so what they were answered is not its to have.
    """
    return f"{user_id}:{sha256(' '.join(sorted(permissions)).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered the first time; `body` None stands for one that was not to be kept."""

    status: int
    headers: dict[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A key held by the open transaction until it ends."""

    route: str
    key: str
    request_hash: bytes

    def _names(self) -> dict[str, object]:
        return {"principal": _principal(current().user_id, current().permissions), "route": self.route, "key": self.key}

    def take(self, session: Session) -> StoredAnswer | None:
        """Claim the key in the session's transaction; answers what was stored under it, or None when it is new.

        Raises Conflict while another request holds the key and when the first answer was not kept, Invalid when it was
        used for another request, BadRequest when it is no usable key. The claim is an advisory lock of the transaction:
        whoever dies lets go of it.
        """
        if not 0 < len(self.key) <= LONGEST_KEY or not self.key.isprintable():
            raise BadRequest(
                "invalid_idempotency_key", f"Idempotency-Key takes 1 to {LONGEST_KEY} printable characters."
            )
        names = self._names()
        if not try_lock_name(session, repr(sorted(names.items()))):
            raise Conflict(
                "idempotency_key_in_use",
                "The first request with this key is still at work.",
                headers={"Retry-After": "1"},
            )
        row = session.fetch_one(_FIND, **names)
        if row is None:
            return None
        if bytes(row[0]) != self.request_hash:
            raise Invalid("idempotency_key_reused", "This Idempotency-Key was used with another request.")
        status, headers, body = row[1], row[2], bytes(row[3])
        if headers.pop(_NOT_KEPT, None) is not None:
            place = headers.get("Location")
            raise Conflict(
                "answer_not_kept",
                f"This was done before, with status {status}; its answer was secret or too long to be kept.",
                headers={} if place is None else {"Location": place},
            )
        return StoredAnswer(status, headers, body)

    def store(self, session: Session, answer: StoredAnswer) -> None:
        """Keep the answer in the transaction that made its effect."""
        session.run_later(
            _STORE,
            **self._names(),
            request_hash=self.request_hash,
            status=answer.status,
            headers=answer.headers if answer.body is not None else {**answer.headers, _NOT_KEPT: "no-store"},
            body=answer.body or b"",
        )
