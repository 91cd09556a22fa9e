"""Companies: what one says of itself, and whether the platform lets it work."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ARRAY, Integer, String, bindparam, func, text, update

from chassis.context import current, tenant
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared
from chassis.errors import Conflict, PreconditionFailed
from chassis.events import EventType
from identity import events, rules
from identity.commands import revocations
from identity.commands.acting import working_for
from identity.models import companies
from identity.queries.companies import get_company
from identity.queries.records import Record
from identity.views import COMPANY

# The users are locked in the order of their ids and before the company, as everybody locks them.
_REVOKE_ROLES = Prepared(
    text(
        """
        WITH held AS (
            SELECT u.id FROM users u JOIN user_companies m ON m.user_id = u.id
            WHERE m.company_id = :of_company AND m.role = ANY (:roles) ORDER BY u.id FOR NO KEY UPDATE OF u
        ), raised AS (
            UPDATE users u SET token_epoch = u.token_epoch + 1 FROM held WHERE u.id = held.id
            RETURNING u.id, u.token_epoch
        )
        INSERT INTO revocations (kind, key, value) SELECT 'user', id::text, token_epoch FROM raised
        ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, changed_in = excluded.changed_in,
            changed_at = excluded.changed_at
        """
    ).bindparams(TENANT, bindparam("roles", type_=ARRAY(String)))
)


def update_company(session: Session, version: int, values: Mapping[str, Any]) -> Record:
    """Change the given fields of the tenant; of its settings, those that are given.

    Where all of them are so already nothing is written. Raises PreconditionFailed.
    """
    settings = values.get("settings", {})
    if "visibility" in settings:
        _revoke_narrowed(session, settings["visibility"])
    before = get_company(session, lock=True)
    if before.version != version:
        raise PreconditionFailed(
            "stale_version", "The company has changed since; get it again.", headers={"ETag": f'"{before.version}"'}
        )
    state = orjson.loads(before.json)
    if {**state, **values, "settings": {**state["settings"], **settings}} == state:
        return before
    return _write(session, events.COMPANY_UPDATED, before, values)


def suspend_company(session: Session, company_id: int) -> Record:
    """Turn away all tokens of a company until it is activated. Raises NotFound, Conflict."""
    if company_id == tenant():
        raise Conflict("own_company", "You are working for this company; nobody could let you in again.")
    return _set_status(session, company_id, "suspended", events.COMPANY_SUSPENDED, revocations.close_company)


def activate_company(session: Session, company_id: int) -> Record:
    """Let a company work again. Raises NotFound, Conflict."""
    return _set_status(session, company_id, "active", events.COMPANY_ACTIVATED, revocations.open_company)


def _set_status(
    session: Session, company_id: int, status: str, event_type: EventType, tell_gateways: Callable[[Session, int], None]
) -> Record:
    """Change a company as its operator: the event is that company's, and the actor is the operator."""
    with working_for(session, company_id, current().user_id):
        before = get_company(session, lock=True)
        if orjson.loads(before.json)["status"] == status:
            raise Conflict(f"company_already_{status}", f"This company is {status} already.")
        after = _write(session, event_type, before, {"status": status})
        tell_gateways(session, company_id)
    return after


def _write(session: Session, event_type: EventType, before: Record, values: Mapping[str, Any]) -> Record:
    row = session.fetch(
        _update(frozenset(values)),
        of_version=before.version,
        **{f"new_{name}": value for name, value in values.items()},
    )[0]
    after = Record(*row)
    events.changed(session, event_type, record_id=after.id, version=after.version, before=before.json, after=after.json)
    return after


def _revoke_narrowed(session: Session, visibility: str) -> None:
    """Where the visibility changes, have those whose permissions change with it get new tokens."""
    now = orjson.loads(get_company(session).json)["settings"].get("visibility", rules.VISIBILITIES[0])
    if now == visibility:
        return
    roles = [
        role
        for role in rules.COMPANY_ROLES
        if rules.permissions_of(role, None, now) != rules.permissions_of(role, None, visibility)
    ]
    session.run(_REVOKE_ROLES, roles=roles)


@lru_cache(maxsize=256)
def _update(names: frozenset[str]) -> Prepared:
    """Set the named columns where the version is still the locked one; settings are merged key by key."""
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=companies.c[name].type) for name in sorted(names)}
    if "settings" in values:
        values["settings"] = companies.c.settings.concat(values["settings"])
    return Prepared(
        COMPANY.returning(
            update(companies)
            .where(
                companies.c.id == TENANT,
                companies.c.version == bindparam("of_version", type_=Integer),
            )
            .values(**values, version=companies.c.version + 1, updated_at=func.now())
        )
    )
