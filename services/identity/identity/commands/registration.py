"""Registering: a new company, and the first user, who is its admin."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values
from identity import events, rules
from identity.commands import devices, letters
from identity.commands.acting import working_for
from identity.commands.sessions import Tokens, open_session
from identity.keys import Authority
from identity.models import companies, user_companies, users
from identity.queries.companies import RECORDS as COMPANIES
from identity.queries.members import RECORDS as MEMBERS
from identity.queries.members import find_membership, get_member
from identity.queries.users import RECORDS as USERS
from identity.queries.users import get_user
from identity.views import COMPANY

# What a registering company may say of itself; status and subscription are not its own to set.
COMPANY_FIELDS = (
    "name",
    "email",
    "logo",
    "phone",
    "address",
    "city",
    "state",
    "country",
    "zip_code",
    "website",
    "industry",
    "company_size",
    "default_currency",
    "time_zone",
    "region",
)
FOUNDER_ROLE = "admin"

_COMPANY_ID = Prepared(select(func.nextval("companies_id_seq")), writes=True)
_USER_ID = Prepared(select(func.nextval("users_id_seq")), writes=True)
_ADD_COMPANY = Prepared(
    COMPANY.returning(
        insert(companies).values(
            {name: bindparam(name, type_=companies.c[name].type) for name in ("id", *COMPANY_FIELDS)}
        )
    )
)
_USER_FIELDS = ("id", "email", "password_hash", "first_name", "last_name", "phone")
# Without RETURNING: a user is visible through a membership, which does not exist yet.
_ADD_USER = Prepared(insert(users).values({name: bindparam(name, type_=users.c[name].type) for name in _USER_FIELDS}))
_ADD_MEMBER = Prepared(insert(user_companies).values(named_values(user_companies, ("user_id", "role", "is_primary"))))


@dataclass(frozen=True, slots=True)
class Registration:
    """A new company, its first user, and the tokens that this user begins with."""

    company: bytes
    user: bytes
    tokens: Tokens


def register(
    session: Session, authority: Authority, company: Mapping[str, Any], user: Mapping[str, Any]
) -> Registration:
    """Create a company and its first user, who is its admin. Raises Invalid for a password that cannot be taken."""
    secret = rules.check_new_password(user["password"])
    # Before the first statement: a connection must not wait in a transaction for a hash.
    password_hash = authority.passwords.hash(secret)
    company_id = session.fetch(_COMPANY_ID)[0][0]
    user_id = session.fetch(_USER_ID)[0][0]
    with working_for(session, company_id, user_id):
        company_record = Record(
            *session.fetch(_ADD_COMPANY, id=company_id, **{name: company.get(name) for name in COMPANY_FIELDS})[0]
        )
        names = ("email", "first_name", "last_name", "phone")
        session.run(_ADD_USER, id=user_id, password_hash=password_hash, **{name: user.get(name) for name in names})
        session.run(_ADD_MEMBER, user_id=user_id, role=FOUNDER_ROLE, is_primary=True)
        founder = get_user(session, user_id)
        member = get_member(session, user_id)
        COMPANIES.record_event(session, events.COMPANY_CREATED, company_record, before=None)
        USERS.record_event(session, events.USER_CREATED, founder, before=None)
        MEMBERS.record_event(session, events.USER_COMPANY_CREATED, member, before=None)
        membership = find_membership(session, user_id)
        assert membership is not None
        letters.ask_to_verify(session, authority.app_url, user_id)
        tokens = replace(
            open_session(session, authority, user_id, membership),
            device_token=devices.device_token(authority, user["email"]),
        )
        return Registration(company_record.json, founder.json, tokens)
