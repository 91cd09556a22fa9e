"""Open tasks of a deal that was won or lost: kept, or completed or cancelled, as the company has set."""

from chassis.db.session import Session
from tasks.commands.neighbours import OF_TASKS, end_series_about, portions
from tasks.commands.tasks import cancel_task, complete_task
from tasks.queries.people import company_settings
from tasks.rules.task_states import is_open

KEEP, COMPLETE, CANCEL = "keep", "complete", "cancel"


def close_tasks_of(session: Session, deal_id: int) -> None:
    """Do with the open tasks of a closed deal what the company's setting `tasks_at_close` says."""
    way = company_settings(session).get("tasks_at_close", KEEP)
    if way not in (COMPLETE, CANCEL):
        return
    for locked in portions(session, OF_TASKS, "deal_id", deal_id, "live"):
        # Tasks before their series, as completing one locks them; and no task of a series is followed by another.
        end_series_about(session, "deal_id", deal_id)
        for task in locked:
            if is_open(task.document["status"]):
                close = complete_task if way == COMPLETE else cancel_task
                close(session, task)
