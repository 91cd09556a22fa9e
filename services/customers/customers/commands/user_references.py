"""What the service knows of identity's users, so that foreign keys to them are real."""

from typing import Any

from sqlalchemy import Integer, bindparam, text
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current, tenant
from chassis.db.session import Session
from chassis.db.statements import Prepared
from customers.models import user_refs

_new = upsert(user_refs).values(
    company_id=bindparam("of_company", type_=user_refs.c.company_id.type),
    user_id=bindparam("of_user", type_=user_refs.c.user_id.type),
    version=bindparam("new_version", type_=Integer()),
    name=bindparam("name", type_=user_refs.c.name.type),
    email=bindparam("email", type_=user_refs.c.email.type),
    is_active=bindparam("is_active", type_=user_refs.c.is_active.type),
)
_SAVE_USER = Prepared(
    _new.on_conflict_do_update(
        index_elements=["company_id", "user_id"],
        set_={name: _new.excluded[name] for name in ("version", "name", "email", "is_active")}
        | {"updated_at": text("now()")},
        where=user_refs.c.version < _new.excluded.version,
    )
)


_KNOW_ACTOR = Prepared(
    upsert(user_refs)
    .values(
        company_id=bindparam("of_company", type_=user_refs.c.company_id.type),
        user_id=bindparam("actor", type_=user_refs.c.user_id.type),
    )
    .on_conflict_do_nothing()
)


def know_actor(session: Session) -> None:
    """Make the caller known from their token, before identity's event about them arrives."""
    session.run(_KNOW_ACTOR, of_company=tenant(), actor=current().user_id)


def save_user_reference(session: Session, user_id: int, version: int, values: dict[str, Any]) -> None:
    """Keep what is known of a user of this company; an older event never overwrites a newer state."""
    session.run(_SAVE_USER, of_company=tenant(), of_user=user_id, new_version=version, **values)
