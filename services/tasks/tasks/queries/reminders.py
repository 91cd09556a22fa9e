"""Everything that reads reminders: those of the caller, and those of all tenants that are due."""

from sqlalchemy import BigInteger, Integer, bindparam, func, select

from chassis.context import current
from chassis.db import record_statements
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import NotFound
from tasks.events import SOURCE
from tasks.models import reminders
from tasks.views import REMINDER

RECORDS = Records(REMINDER, source=SOURCE, noun="reminder")
_TASK = bindparam("of_task", type_=BigInteger)
_OWN = reminders.c.user_id == bindparam("of_user", type_=BigInteger)
_OF_TASK = Prepared(
    record_statements.in_order(REMINDER, of_tenant(reminders), reminders.c.task_id == _TASK, _OWN, lock=False)
)
_found = func.due_reminders(bindparam("most", type_=Integer)).table_valued("company_id", "id")
# There is no tenant yet: the function looks at all of them.
_DUE = Prepared(select(_found.c.company_id, _found.c.id))


def list_own(session: Session, task_id: int) -> list[Record]:
    """The further reminders that the caller has set for a task."""
    return [Record(*row) for row in session.fetch(_OF_TASK, of_task=task_id, of_user=current().user_id)]


def get_own(session: Session, task_id: int, reminder_id: int, *, lock: bool = False) -> Record:
    """One of them. Raises NotFound."""
    reminder = RECORDS.get(session, reminder_id, lock=lock)
    document = reminder.document
    if document["task_id"] != task_id or document["user_id"] != current().user_id:
        raise NotFound("reminder_not_found", "There is no such reminder.")
    return reminder


def list_due(session: Session, most: int) -> list[tuple[int, int]]:
    """The reminders of all tenants that are due, the oldest first, each with its company."""
    return [(row[0], row[1]) for row in session.fetch(_DUE, most=most)]
