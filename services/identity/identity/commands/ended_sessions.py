"""Sessions ended before their time: in the database, at the gateways and in the audit log, all in one transaction."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import structlog
from sqlalchemy import BigInteger, Text, Update, Uuid, bindparam, column, func, select, update

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from identity.commands import revocations, security
from identity.commands.acting import working_for
from identity.models import sessions


def _ending(*which: Any) -> Update:
    """End live sessions of a member of the tenant; answers (id, sid) of those that were ended."""
    return (
        update(sessions)
        .where(
            of_tenant(sessions),
            sessions.c.user_id == bindparam("of_user", type_=BigInteger),
            sessions.c.ended_at.is_(None),
            *which,
        )
        .values(
            ended_at=func.clock_timestamp(),
            end_reason=bindparam("reason", type_=sessions.c.end_reason.type),
            version=sessions.c.version + 1,
            updated_at=func.now(),
        )
        .returning(sessions.c.id, sessions.c.sid)
    )


_SID = bindparam("of_sid", type_=sessions.c.sid.type)
_END_ONE = Prepared(_ending(sessions.c.id == bindparam("of_session", type_=BigInteger)))
_END_THIS = Prepared(_ending(sessions.c.sid == _SID))
_END_MEMBERS = Prepared(_ending(sessions.c.sid.is_distinct_from(_SID)))
# The function of migration 0002, since the sessions in other companies are hidden from this one.
_END_EVERYWHERE = Prepared(
    select(column("company_id"), column("session_id"), column("sid")).select_from(
        func.end_sessions(
            bindparam("of_user", type_=BigInteger),
            bindparam("kept", type_=Uuid(as_uuid=False)),
            bindparam("reason", type_=Text),
        ).table_valued("company_id", "session_id", "sid")
    ),
    writes=True,
)

log = structlog.get_logger()


def end_session(session: Session, user_id: int, session_id: int, reason: str) -> bool:
    """End one session of a member of the tenant; False when there is no such live one."""
    rows = session.fetch(_END_ONE, of_user=user_id, of_session=session_id, reason=reason)
    return _note(session, user_id, reason, rows)


def end_this_session(session: Session, user_id: int, sid: str, reason: str) -> bool:
    """End the session that an access token belongs to; False when it has ended already."""
    rows = session.fetch(_END_THIS, of_user=user_id, of_sid=sid, reason=reason)
    return _note(session, user_id, reason, rows)


def end_sessions_of_member(session: Session, user_id: int, reason: str, *, but: str | None = None) -> bool:
    """End every session of a member in the tenant, except the one with the sid `but`; False when there was none."""
    rows = session.fetch(_END_MEMBERS, of_user=user_id, of_sid=but, reason=reason)
    return _note(session, user_id, reason, rows)


def end_sessions_everywhere(session: Session, user_id: int, reason: str, *, but: str | None = None) -> None:
    """End the sessions of a user in all companies, except the one with the sid `but`; each company gets its events."""
    rows = sorted(session.fetch(_END_EVERYWHERE, of_user=user_id, kept=but, reason=reason))
    actor = current().user_id
    for company_id, ended in groupby(rows, key=lambda row: row[0]):
        with working_for(session, company_id, actor):
            _note(session, user_id, reason, [row[1:] for row in ended])


def _note(session: Session, user_id: int, reason: str, ended: Iterable[tuple[Any, ...]]) -> bool:
    """Have the gateways refuse what ended, and tell the audit log."""
    found = False
    for session_id, sid in ended:
        found = True
        revocations.revoke_session(session, str(sid))
        security.note(session, "session_ended", user_id=user_id, detail={"session_id": session_id, "reason": reason})
        log.info("session_ended", reason=reason, session_id=session_id, session_user_id=user_id)
    return found
