"""What operators do to identity: `python -m identity.operators grant|revoke <e-mail address> | heal`.

An operator of the platform sees, suspends and activates companies.
"""

import sys
from collections.abc import Mapping

from sqlalchemy import BigInteger, bindparam, func, update

from chassis.config import SettingsError, exit_with
from chassis.context import Context, acting_as
from chassis.db.owner import owner_database
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.events import new_id
from chassis.healing import command as healing
from chassis.healing.kinds import Kind, kinds_of, views_in
from identity import events, views
from identity.commands import revocations
from identity.commands.acting import working_for
from identity.commands.healing import PURGE_AGAIN, nobodys_password, shut_the_door
from identity.commands.locking import lock_user
from identity.keys import IdentitySettings
from identity.models import companies, users
from identity.queries.memberships import list_workplaces
from identity.queries.users import RECORDS as USERS
from identity.queries.users import find_login, get_user
from identity.rules import PLATFORM_ROLE, normal_address
from identity.views import USER

ROLES = {"grant": PLATFORM_ROLE, "revoke": "user"}
USAGE = "usage: python -m identity.operators grant|revoke <e-mail address> | heal"

_SET_ROLE = Prepared(
    USER.returning(
        update(users)
        .where(users.c.id == bindparam("of_user", type_=BigInteger))
        .values(role=bindparam("new_role", type_=users.c.role.type), version=users.c.version + 1, updated_at=func.now())
    )
)


class UnknownUserError(Exception):
    """There is nobody of this address, or they work nowhere."""


def set_platform_role(session: Session, email: str, role: str) -> bool:
    """Give a user a role on the platform; False when they have it. Their tokens end, so that the next ones say so.

    No service's role may do this: it takes the owner's. The audit log of the user's primary company shows it. Raises
    UnknownUserError.
    """
    login = find_login(session, normal_address(email), None)
    places = [] if login is None else list_workplaces(session, login.user_id)
    if login is None or not places:
        raise UnknownUserError(f"There is no user with the address {email}.")
    with working_for(session, places[0].company_id, None):
        lock_user(session, login.user_id)
        before = get_user(session, login.user_id)
        if before.document["role"] == role:
            return False
        after = Record(*session.fetch(_SET_ROLE, of_user=login.user_id, new_role=role)[0])
        USERS.record_event(session, events.USER_UPDATED, after, before=before)
        revocations.revoke_user(session, login.user_id)
    return True


def kinds_to_heal(password_hash: str) -> Mapping[str, Kind]:
    """The kinds of records that are healed; users who are made again have this password."""
    kinds = kinds_of(events.PUBLISHED, views_in(views), initial={users.name: {"password_hash": password_hash}})
    kinds[companies.name].delete = PURGE_AGAIN
    return kinds


def heal(arguments: list[str]) -> None:
    """Heal a restored identity: who may do what is always as it was told last, whatever the backup says."""
    try:
        settings = IdentitySettings.from_environment(required=("owner_database_url",))
    except SettingsError as error:
        exit_with(error)
    password = nobodys_password(settings.bcrypt_cost)
    kinds = kinds_to_heal(password)
    healing.main(
        events.SOURCE,
        kinds,
        arguments,
        keep=("latest",),
        missing=("recreate",),
        then=lambda database, known: shut_the_door(database, known, password),
    )


def main(arguments: list[str]) -> None:
    """`grant` makes a user an operator of the platform, `revoke` makes them a user like others."""
    if arguments[:1] == [healing.COMMAND]:
        heal(arguments[1:])
        return
    if len(arguments) != 2 or arguments[0] not in ROLES:  # noqa: PLR2004  # A command and an address.
        raise SystemExit(USAGE)
    command, email = arguments
    try:
        with (
            owner_database(events.SOURCE) as database,
            acting_as(Context(request_id=new_id())),
            database.transaction() as session,
        ):
            changed = set_platform_role(session, email, ROLES[command])
    except UnknownUserError as error:
        raise SystemExit(str(error)) from None
    state = "is an operator of the platform" if command == "grant" else "is no operator of the platform"
    sys.stdout.write(f"{email} {state}{'' if changed else ' already'}.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
