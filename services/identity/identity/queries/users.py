"""Users, and whose an e-mail address is."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, column, func, select

from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from identity.events import SOURCE
from identity.models import user_companies, users
from identity.views import USER

# Signing in and refreshing begin without a tenant, where row-level security shows nothing: each has one function of the
# owner's that looks behind it and answers no more than it takes to know whose transaction this is (migration 0001).
_LOGIN = Prepared(
    select(column("user_id"), column("password_hash"), column("is_active"), column("company_id")).select_from(
        func.find_login(bindparam("email", type_=Text), bindparam("company_id", type_=BigInteger)).table_valued(
            "user_id", "password_hash", "is_active", "company_id"
        )
    )
)
_IN_TENANT = (
    select(user_companies.c.id)
    .where(
        user_companies.c.user_id == users.c.id,
        of_tenant(user_companies),
    )
    .exists()
)
# A user is no tenant's record, so only the events of one are written by this.
RECORDS = Records(USER, source=SOURCE, noun="user")
_THE_USER = users.c.id == bindparam("user_id", type_=BigInteger)
_USER = Prepared(USER.one(_THE_USER, _IN_TENANT))
_USER_LOCKED = Prepared(USER.one(_THE_USER, _IN_TENANT, lock=True))


@dataclass(frozen=True, slots=True)
class Login:
    """Whose an e-mail address is, and the company they would work for (None: no member of the one asked for)."""

    user_id: int
    password_hash: str
    is_active: bool
    company_id: int | None


def find_login(session: Session, email: str, company_id: int | None) -> Login | None:
    """The user of an e-mail address in any case, of any tenant; None when there is none."""
    row = session.fetch_one(_LOGIN, email=email, company_id=company_id)
    return None if row is None else Login(*row)


def still_holds(session: Session, email: str, login: Login) -> bool:
    """Whether the password is the one that was looked up before, asked under the user's lock."""
    now = find_login(session, email, None)
    return now is not None and now.user_id == login.user_id and now.password_hash == login.password_hash


def get_user(session: Session, user_id: int, *, lock: bool = False) -> Record:
    """A user of the tenant; with `lock` under the row's lock. Raises LookupError."""
    return record_of(session.fetch_one(_USER_LOCKED if lock else _USER, user_id=user_id))


def record_of(row: tuple[Any, ...] | None) -> Record:
    """What was found of the tenant. Raises LookupError for nothing."""
    if row is None:
        raise LookupError("no such record in this tenant")
    return Record(*row)
