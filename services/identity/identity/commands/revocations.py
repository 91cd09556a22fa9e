"""What the gateways have to refuse at once, noted in the transaction that decides it."""

from sqlalchemy import BigInteger, Integer, String, bindparam, cast, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.db.session import Session
from chassis.db.statements import Prepared
from identity.models import revocations, users

_NOW = {"changed_in": literal_column("pg_current_xact_id()::text::bigint"), "changed_at": func.now()}
_new = insert(revocations).values(
    kind=bindparam("of_kind", type_=String()),
    key=bindparam("of_key", type_=String()),
    value=bindparam("new_value", type_=BigInteger()),
    **_NOW,
)
_REVOKE = Prepared(
    _new.on_conflict_do_update(index_elements=["kind", "key"], set_={"value": _new.excluded.value} | _NOW)
)
_NEXT_EPOCH = Prepared(
    update(users)
    .where(users.c.id == bindparam("of_user", type_=BigInteger()))
    .values(token_epoch=users.c.token_epoch + 1)
    .returning(users.c.token_epoch)
)
_raised = (
    update(users)
    .values(token_epoch=users.c.token_epoch + bindparam("epochs", type_=Integer()))
    .returning(users.c.id, users.c.token_epoch)
    .cte("raised")
)
_everybody = insert(revocations).from_select(
    ["kind", "key", "value", *_NOW],
    select(literal_column("'user'"), cast(_raised.c.id, String), _raised.c.token_epoch, *_NOW.values()),
)
_REVOKE_EVERYBODY = Prepared(
    _everybody.on_conflict_do_update(index_elements=["kind", "key"], set_={"value": _everybody.excluded.value} | _NOW)
)


def revoke_everybody(session: Session, epochs: int) -> int:
    """Make the access tokens of all companies worthless, those of so many next epochs too; of how many users."""
    return session.run(_REVOKE_EVERYBODY, epochs=epochs)


def revoke_user(session: Session, user_id: int) -> None:
    """Make every access token of a member of the tenant worthless; a refresh brings one that is as things are now."""
    epoch = session.fetch(_NEXT_EPOCH, of_user=user_id)[0][0]
    session.run(_REVOKE, of_kind="user", of_key=str(user_id), new_value=epoch)


def revoke_session(session: Session, sid: str) -> None:
    """Make every access token of a session, or of an API key, worthless."""
    session.run(_REVOKE, of_kind="session", of_key=sid, new_value=1)


def close_company(session: Session, company_id: int) -> None:
    """Make every access token of a company worthless for as long as it is closed."""
    session.run(_REVOKE, of_kind="company", of_key=str(company_id), new_value=1)


def open_company(session: Session, company_id: int) -> None:
    """Let the company's tokens pass again."""
    session.run(_REVOKE, of_kind="company", of_key=str(company_id), new_value=0)
