"""Companies: what one says of itself, and whether the platform lets it work."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ARRAY, String, bindparam, text

from chassis.context import current, tenant
from chassis.db import company_purges
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared
from chassis.errors import Conflict
from chassis.events import EventType
from identity import events, rules
from identity.commands import revocations
from identity.commands.acting import working_for
from identity.queries.companies import RECORDS, get_company

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
    return RECORDS.change(session, events.COMPANY_UPDATED, RECORDS.expect(session, tenant(), version), values)


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
        if company_purges.purged_among(session, (company_id,)):
            raise Conflict("company_purged", "This company was purged; nothing brings it back.")
        if before.document["status"] == status:
            raise Conflict(f"company_already_{status}", f"This company is {status} already.")
        after = RECORDS.change(session, event_type, before, {"status": status})
        tell_gateways(session, company_id)
    return after


def _revoke_narrowed(session: Session, visibility: str) -> None:
    """Where the visibility changes, have those whose permissions change with it get new tokens."""
    now = get_company(session).document["settings"].get("visibility", rules.VISIBILITIES[0])
    if now == visibility:
        return
    roles = [
        role
        for role in rules.COMPANY_ROLES
        if rules.permissions_of(role, None, now) != rules.permissions_of(role, None, visibility)
    ]
    session.run(_REVOKE_ROLES, roles=roles)
