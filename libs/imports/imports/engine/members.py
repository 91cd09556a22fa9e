"""Members of the company that rows name: by id, by e-mail address or by name."""

from collections.abc import Iterable

from chassis.db.session import Session
from chassis.references import UserReference
from imports.rows import ReadRow


class Members:
    """Those whom some rows name in a field."""

    def __init__(self, session: Session, users: UserReference, rows: Iterable[ReadRow], field: str) -> None:
        named = {_called(row.values[field]) for row in rows if row.values.get(field) is not None}
        self._people = users.find_people(session, named)

    def find(self, given: int | str) -> tuple[int | None, str, str]:
        """The active member's id; None for nobody, with a code and a sentence that say why."""
        user_id, active = self._people.get(_called(given), (None, False))
        if user_id is None:
            if isinstance(given, int):
                sentence = f"There is no user {given} in this company."
            elif "@" in given:
                sentence = f"No member of this company has the address {given}."
            else:
                sentence = f"No member of this company, or more than one, is called {given!r}."
            return None, "unknown_user", sentence
        if not active:
            return None, "inactive_user", "This user is not active in the company."
        return user_id, "", ""


def _called(given: int | str) -> int | str:
    return given.lower() if isinstance(given, str) else given
