"""What the service knows of identity's users, so that foreign keys to them are real and nobody inactive gets work."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BigInteger, Integer, and_, bindparam, false, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from chassis.errors import FieldError, Invalid, UnknownReference
from customers.models import user_refs
from customers.queries.matches import find_assignees

USER = "user"

# The same whether the look-up misses the user or the foreign key does.
_UNKNOWN = "There is no such user in this company."
UNKNOWN_USER = Invalid("unknown_user", _UNKNOWN, (FieldError("/assigned_to", "unknown_reference", _UNKNOWN),))

_OF_USER = (
    of_tenant(user_refs),
    user_refs.c.user_id == bindparam("of_user", type_=BigInteger()),
)
_KNOWN = ("membership_id", "version", "name", "email", "is_active")
_new = upsert(user_refs).values(
    company_id=TENANT,
    user_id=bindparam("of_user", type_=BigInteger()),
    membership_id=bindparam("of_membership", type_=BigInteger()),
    version=bindparam("new_version", type_=Integer()),
    name=bindparam("name", type_=user_refs.c.name.type),
    email=bindparam("email", type_=user_refs.c.email.type),
    is_active=bindparam("is_active", type_=user_refs.c.is_active.type),
)
_written = {name: _new.excluded[name] for name in _KNOWN} | {"updated_at": text("now()")}
# Who leaves a company and joins it again has a new membership, whose versions begin anew; its id is the higher one.
_kept = func.row(user_refs.c.membership_id, user_refs.c.version)
_is_newer = _kept < func.row(_new.excluded.membership_id, _new.excluded.version)
_SAVE_USER = Prepared(
    _new.on_conflict_do_update(index_elements=["company_id", "user_id"], set_=_written, where=_is_newer)
)
# As above, and where what is kept is still what it was before identity was asked, anything replaces it: events tell of
# what identity has committed, so it cannot have answered less unless what is kept here is wrong.
_is_as_seen = _kept == func.row(
    bindparam("seen_membership", type_=BigInteger()), bindparam("seen_version", type_=Integer())
)
_REPAIR = Prepared(
    _new.on_conflict_do_update(
        index_elements=["company_id", "user_id"],
        set_=_written,
        where=and_(
            or_(_is_newer, _is_as_seen),
            func.row(*(user_refs.c[name] for name in _KNOWN)).is_distinct_from(
                func.row(*(_new.excluded[name] for name in _KNOWN))
            ),
        ),
    )
)
_DEACTIVATE = Prepared(
    update(user_refs)
    .where(*_OF_USER, user_refs.c.is_active, _is_as_seen)
    .values(is_active=false(), updated_at=text("now()"))
)
# Under a lock that an event about the user has to wait for: whoever is assigned to before it is still there to be moved
# when it comes, and nobody is assigned to after it.
_IS_ACTIVE = Prepared(select(user_refs.c.is_active).where(*_OF_USER).with_for_update(read=True))
_KNOW_ACTOR = Prepared(
    upsert(user_refs).values(company_id=TENANT, user_id=bindparam("actor", type_=BigInteger())).on_conflict_do_nothing()
)


def know_actor(session: Session) -> None:
    """Make the caller known from their token, before identity's event about them arrives."""
    session.run(_KNOW_ACTOR, actor=current().user_id)


def save_user_reference(
    session: Session, user_id: int, membership_id: int, version: int, values: dict[str, Any]
) -> None:
    """Keep what is known of a user of this company; an older event never overwrites a newer state."""
    session.run(
        _SAVE_USER,
        of_user=user_id,
        of_membership=membership_id,
        new_version=version,
        **values,
    )


def save_member(session: Session, membership: dict[str, Any]) -> None:
    """Keep what identity answers of a member, as if the event had come."""
    values = member_values(membership)
    save_user_reference(session, membership["user_id"], membership["id"], membership["version"], values)


def repair_member(session: Session, membership: dict[str, Any], seen: tuple[int, int] | None) -> bool:
    """Make what is kept of a member what identity answered; whether that changed anything.

    `seen` is the membership and its version that were kept before identity was asked, None for nobody. An event that
    has come since and tells of a newer state stands.
    """
    seen_membership, seen_version = seen or (-1, -1)
    touched = session.run(
        _REPAIR,
        of_user=membership["user_id"],
        of_membership=membership["id"],
        new_version=membership["version"],
        seen_membership=seen_membership,
        seen_version=seen_version,
        **member_values(membership),
    )
    return touched > 0


def deactivate_unknown(session: Session, user_id: int, seen: tuple[int, int]) -> bool:
    """Let nobody be assigned to a user whom identity did not know, unless an event has come since.

    Answers whether one could before.
    """
    touched = session.run(_DEACTIVATE, of_user=user_id, seen_membership=seen[0], seen_version=seen[1])
    return touched > 0


def member_values(membership: Mapping[str, Any], *, is_member: bool = True) -> dict[str, Any]:
    """What is kept of a membership as identity shows it, in events and answers alike."""
    user = membership["user"]
    return {
        "name": f"{user['first_name']} {user['last_name']}",
        "email": user["email"],
        # Events from before there were suspensions do not say.
        "is_active": is_member and user["is_active"] and membership.get("status", "active") == "active",
    }


def active_among(session: Session, user_ids: Collection[int]) -> set[int]:
    """Those of the users who are active, and stay so until the transaction ends."""
    return {user_id for user_id, active in find_assignees(session, user_ids).values() if active}


def refuse_inactive(session: Session, user_id: int | None) -> None:
    """Raise Invalid for a user who is known to be inactive, UnknownReference for one who is not known at all."""
    if user_id is None:
        return
    session.connection()
    row = session.fetch_one(_IS_ACTIVE, of_user=user_id)
    if row is None:
        if user_id != current().user_id:
            raise UnknownReference(
                UNKNOWN_USER.code, UNKNOWN_USER.detail, UNKNOWN_USER.errors, references=frozenset({(USER, user_id)})
            )
        know_actor(session)
    elif not row[0]:
        detail = "This user is not active in the company."
        raise Invalid("inactive_user", detail, (FieldError("/assigned_to", "inactive_user", detail),))
