"""Who may be given work: members of the company who are known and active."""

from chassis.context import current
from chassis.db.session import Session
from chassis.errors import FieldError, Invalid
from tasks.models import USERS
from tasks.queries.people import Person, find_person


def get_active(session: Session, user_id: int, pointer: str = "/assigned_to") -> Person:
    """An active member, who stays so until the transaction ends.

    Raises Invalid for one who is known to be inactive, UnknownReference for one who is not known at all.
    """
    person = find_person(session, user_id)
    if person is None:
        if user_id != current().user_id:
            raise USERS.missed((user_id,), pointer)
        USERS.ensure_actor(session)
        person = find_person(session, user_id)
        assert person is not None
    if not person.is_active:
        detail = "This user is not active in the company."
        raise Invalid("inactive_user", detail, (FieldError(pointer, "inactive_user", detail),))
    return person
