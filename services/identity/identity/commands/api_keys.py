"""API keys: made once and shown once, revoked at once."""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chassis.context import current
from chassis.db.records import NOW, Record
from chassis.db.session import Session
from chassis.errors import Conflict, FieldError, Invalid
from chassis.events import new_id
from identity import events, rules
from identity.commands.revocations import revoke_session
from identity.queries.api_keys import RECORDS

_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key, and the only time that it is to be had."""

    record: Record
    key: str = field(repr=False)


def make_api_key(session: Session, name: str, scopes: Sequence[str], expires_at: datetime | None) -> NewKey:
    """Make a key that acts for the caller, within `scopes`. Raises Invalid for scopes that the caller cannot give."""
    now = datetime.now(UTC)
    faults = [*_scope_faults(scopes, current().permissions), *_expiry_faults(expires_at, now)]
    if faults:
        raise Invalid("validation_failed", "Some fields are not as they should be.", faults)
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(rules.API_KEY_PREFIX_LENGTH))
    key = f"crm_{prefix}_{secrets.token_urlsafe(32)}"
    record = RECORDS.create(
        session,
        events.API_KEY_CREATED,
        {
            "name": name,
            "prefix": prefix,
            "secret_hash": rules.token_hash(key),
            "scopes": sorted(set(scopes)),
            "user_id": current().user_id,
            "sid": new_id(),
            "expires_at": expires_at or now + rules.API_KEY_LIFE,
        },
    )
    return NewKey(record, key)


def revoke_api_key(session: Session, key_id: int, version: int) -> None:
    """Make a key and all its access tokens worthless. Raises NotFound, PreconditionFailed, Conflict."""
    before = RECORDS.expect(session, key_id, version)
    if before.document["revoked_at"] is not None:
        raise Conflict("api_key_revoked", "The API key is revoked already.")
    RECORDS.change(session, events.API_KEY_REVOKED, before, {"revoked_at": NOW})
    revoke_session(session, before.document["session_id"])


def _scope_faults(scopes: Sequence[str], held: frozenset[str]) -> list[FieldError]:
    faults = []
    for index, scope in enumerate(scopes):
        pointer = f"/scopes/{index}"
        if scope not in rules.KEY_SCOPES:
            allowed = ", ".join(sorted(rules.KEY_SCOPES))
            faults.append(FieldError(pointer, "not_for_keys", f"An API key can hold {allowed}."))
        elif not rules.key_permissions([scope], held):
            faults.append(FieldError(pointer, "not_held", "Nobody gives a permission that they do not have."))
    return faults


def _expiry_faults(expires_at: datetime | None, now: datetime) -> list[FieldError]:
    if expires_at is None or now < expires_at <= now + rules.LONGEST_API_KEY_LIFE:
        return []
    if expires_at <= now:
        return [FieldError("/expires_at", "in_the_past", "An API key expires in the future.")]
    days = rules.LONGEST_API_KEY_LIFE.days
    return [FieldError("/expires_at", "too_far", f"An API key is good for {days} days at most.")]
