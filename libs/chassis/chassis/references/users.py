"""What a service knows of identity's users, so that foreign keys to them are real and nobody inactive gets work."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    MetaData,
    String,
    any_,
    bindparam,
    false,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current, tenant
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from chassis.db.tables import timestamp
from chassis.errors import FieldError, Invalid
from chassis.events import Event
from chassis.references.reference import Guard, Reference
from chassis.references.saving import is_as_seen, of_reference, repair_statement
from chassis.references.tables import reference_table

DEACTIVATED = "crm.user_company.deactivated.v1"
PURGED = "crm.user_company.purged.v1"
FORMER = "Former user"
"""The name of whoever was purged."""


class UserReference(Reference):
    """The users of the company, in `user_refs`; told of by the events of their memberships.

    Versions are of one membership. Who leaves a company and joins it again has a new one, whose versions begin anew and
    whose id is the higher one. Who has left stays known and is inactive: what they made or looked after names them. Who
    was purged stays as well, as a former user without a name.
    """

    guard: Sequence[str] = ("membership_id", "version")
    document_id = "user_id"

    def __init__(self, metadata: MetaData) -> None:  # No other service has columns of its own of them.
        columns = (
            Column("membership_id", BigInteger, nullable=False, server_default=text("0")),
            Column("name", String(201)),
            Column("email", String(255)),
            Column("is_active", Boolean, nullable=False, server_default=text("true")),
            # What was kept of the person is gone for good; only a new membership says again who they are.
            timestamp("purged_at"),
        )
        table = reference_table("user", metadata, *columns)
        self._declare("user", table, [column.name for column in columns], "identity")
        # What identity answers brings nobody back who was purged, be it from a backup of its own.
        self._repair = repair_statement(
            table,
            self.key,
            self.guard,
            self.mirrored,
            kind=self.kind,
            tombstones=None,
            kept=table.c.purged_at.is_not(None),
        )
        self.path = "/internal/members/{company_id}"
        self.entity = "user_company"
        self.actions = ("created", "updated", "suspended", "activated", "deactivated", "removed", "purged")
        self.removed = None
        # Under a lock that an event about the user has to wait for: whoever is assigned to before it is still there to
        # be moved when it comes, and nobody is assigned to after it.
        self._is_active = Prepared(
            select(table.c.is_active).where(*of_reference(table, self.key)).with_for_update(read=True)
        )
        self._among = Prepared(
            select(table.c.user_id, func.lower(table.c.email), table.c.is_active, func.lower(table.c.name))
            .where(
                of_tenant(table),
                or_(
                    table.c.user_id == any_(bindparam("ids", type_=ARRAY(BigInteger))),
                    func.lower(table.c.email) == any_(bindparam("words", type_=ARRAY(String))),
                    func.lower(table.c.name) == any_(bindparam("words", type_=ARRAY(String))),
                ),
            )
            .order_by(table.c.user_id)
            .with_for_update(read=True)
        )
        self._described = Prepared(
            select(table.c.user_id, table.c.name, table.c.is_active).where(
                of_tenant(table), table.c.user_id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
            )
        )
        self._deactivate = Prepared(
            update(table)
            .where(*of_reference(table, self.key), table.c.is_active, is_as_seen(table, self.guard))
            .values(is_active=false(), updated_at=text("now()"))
        )
        actor = {"company_id": TENANT, "user_id": bindparam("actor", type_=BigInteger())}
        self._ensure = Prepared(upsert(table).values(actor).on_conflict_do_nothing())

    def ensure_actor(self, session: Session) -> None:
        """Make the caller known from their token, before identity's event about them arrives."""
        user_id = current().user_id
        if user_id is not None:
            self.ensure(session, user_id)

    def ensure(self, session: Session, user_id: int) -> None:
        """The same of whom a neighbour's event names as its actor: they had a token of the company.

        No reference to a user is ever taken away but with its company, so that once is enough.
        """
        session.run_once(("user", tenant(), user_id), self._ensure, actor=user_id)

    def refuse_inactive(self, session: Session, user_id: int | None, *, pointer: str = "/assigned_to") -> None:
        """Raise Invalid for a user who is known to be inactive, UnknownReference for one who is not known at all."""
        if user_id is None:
            return
        session.begin()
        row = session.fetch_one(self._is_active, of_ref=user_id)
        if row is None:
            if user_id != current().user_id:
                raise self.missed((user_id,), pointer)
            self.ensure_actor(session)
        elif not row[0]:
            detail = "This user is not active in the company."
            raise Invalid("inactive_user", detail, (FieldError(pointer, "inactive_user", detail),))

    def find_people(self, session: Session, given: Collection[int | str]) -> dict[int | str, tuple[int, bool]]:
        """The users that ids, e-mail addresses and full names (in lower case) name, each with whether they are active.

        A name that several who are active have names none of them. They stay what they are until the transaction ends.
        """
        if not given:
            return {}
        session.begin()
        ids = [user for user in given if isinstance(user, int)]
        words = [user for user in given if isinstance(user, str)]
        found: dict[int | str, tuple[int, bool]] = {}
        namesakes: dict[str, list[tuple[int, bool]]] = {}
        for user_id, email, active, name in session.fetch(self._among, ids=ids, words=words):
            found[user_id] = (user_id, active)
            if email is not None and not (email in found and found[email][1]):
                found[email] = (user_id, active)
            if name is not None:
                namesakes.setdefault(name, []).append((user_id, active))
        for name, people in namesakes.items():
            at_work = [person for person in people if person[1]]
            if len(at_work or people) == 1:
                found[name] = (at_work or people)[0]
        return found

    def describe(self, session: Session, user_ids: Collection[int]) -> dict[int, dict[str, Any]]:
        """Who these users are, for people to read; a name is null until identity has told it. Locks nothing."""
        rows = session.fetch(self._described, ids=sorted(user_ids)) if user_ids else []
        return {user_id: {"id": user_id, "name": name, "is_active": active} for user_id, name, active in rows}

    def active_among(self, session: Session, user_ids: Collection[int]) -> set[int]:
        """Those of the users who are active, and stay so until the transaction ends."""
        return {user_id for user_id, active in self.find_people(session, user_ids).values() if active}

    def save_event(self, session: Session, event: Event) -> None:
        """Know the user of a membership, and whether work can be given to them now."""
        is_member = event.data["after"] is not None
        membership = self.told(event.data["after"] or event.data["before"], event)
        if event.type == PURGED:
            membership = membership | {"purged_at": event.time}
        self.save(session, membership if is_member else membership | {"status": "removed"})

    def deactivate(self, session: Session, user_id: int, seen: Guard) -> bool:
        """Give no more work to a user whom identity did not know, unless an event has come since.

        Answers whether one could before.
        """
        return session.run(self._deactivate, of_ref=user_id, **self._seen(seen)) > 0

    def values(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept of a membership as identity shows it, in events and answers alike."""
        purged_at = document.get("purged_at")
        if purged_at is not None:
            return {"name": FORMER, "email": None, "is_active": False, "purged_at": purged_at}
        user = document["user"]
        return {
            "name": f"{user['first_name']} {user['last_name']}",
            "email": user["email"],
            # Events from before there were suspensions do not say.
            "is_active": user["is_active"] and document.get("status", "active") == "active",
            "purged_at": None,
        }

    def guard_of(self, document: Mapping[str, Any]) -> Guard:
        """The membership and its version."""
        return (document["id"], document["version"])
