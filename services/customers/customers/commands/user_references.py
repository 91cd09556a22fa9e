"""What the service knows of identity's users, so that foreign keys to them are real and nobody inactive gets work."""

from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current, tenant
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import FieldError, Invalid
from customers.models import user_refs

_KNOWN = ("membership_id", "version", "name", "email", "is_active")
_new = upsert(user_refs).values(
    company_id=bindparam("of_company", type_=user_refs.c.company_id.type),
    user_id=bindparam("of_user", type_=user_refs.c.user_id.type),
    membership_id=bindparam("of_membership", type_=BigInteger()),
    version=bindparam("new_version", type_=Integer()),
    name=bindparam("name", type_=user_refs.c.name.type),
    email=bindparam("email", type_=user_refs.c.email.type),
    is_active=bindparam("is_active", type_=user_refs.c.is_active.type),
)
# Who leaves a company and joins it again has a new membership, whose versions begin anew; its id is the higher one.
_SAVE_USER = Prepared(
    _new.on_conflict_do_update(
        index_elements=["company_id", "user_id"],
        set_={name: _new.excluded[name] for name in _KNOWN} | {"updated_at": text("now()")},
        where=func.row(user_refs.c.membership_id, user_refs.c.version)
        < func.row(_new.excluded.membership_id, _new.excluded.version),
    )
)
# Under a lock that an event about the user has to wait for: whoever is assigned to before it is still there to be moved
# when it comes, and nobody is assigned to after it.
_IS_ACTIVE = Prepared(
    select(user_refs.c.is_active)
    .where(
        user_refs.c.company_id == bindparam("of_company", type_=user_refs.c.company_id.type),
        user_refs.c.user_id == bindparam("of_user", type_=user_refs.c.user_id.type),
    )
    .with_for_update(read=True)
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


def save_user_reference(
    session: Session, user_id: int, membership_id: int, version: int, values: dict[str, Any]
) -> None:
    """Keep what is known of a user of this company; an older event never overwrites a newer state."""
    session.run(
        _SAVE_USER,
        of_company=tenant(),
        of_user=user_id,
        of_membership=membership_id,
        new_version=version,
        **values,
    )


def refuse_inactive(session: Session, user_id: int | None) -> None:
    """Raise Invalid for a user who is known to be inactive; one who is not known at all the foreign key refuses."""
    if user_id is None:
        return
    session.connection()
    row = session.fetch_one(_IS_ACTIVE, of_company=tenant(), of_user=user_id)
    if row is not None and not row[0]:
        detail = "This user is not active in the company."
        raise Invalid("inactive_user", detail, (FieldError("/assigned_to", "inactive_user", detail),))
