"""Every event that the sample service consumes, and what it does about it; the jobs of its worker."""

from datetime import timedelta
from threading import Event as Flag

from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.db.session import Database, Session
from chassis.db.waiting import WaitingRows
from chassis.events import Event
from chassis.references import handlers
from sample.commands.authors import AUTHOR_PURGES, purge_on
from sample.commands.transfers import TRANSFERS
from sample.commands.user_purges import PURGES
from sample.models import REFERENCES, author_purges

_AUTHOR_PURGES = WaitingRows(author_purges)


def on_author_purged(session: Session, event: Event) -> None:
    """Have the worker take the author out of their books, and forget them then."""
    AUTHOR_PURGES.note_event(session, event)


def purge_authors(database: Database, stop: Flag) -> None:
    """Take purged authors out of their books."""
    _AUTHOR_PURGES.work(database, stop, purge_on)


SUBSCRIPTIONS = Subscriptions(
    handlers={
        **handlers(*REFERENCES, transfers=(TRANSFERS,), purges=(PURGES,)),
        # More is done about it than the reference kept up.
        "crm.author.purged.v1": on_author_purged,
    },
)

SCHEDULES: tuple[Schedule, ...] = (
    Schedule("transfer-books", timedelta(seconds=5), TRANSFERS.work),
    Schedule("purge-users", timedelta(seconds=5), PURGES.work),
    Schedule("purge-authors", timedelta(seconds=5), purge_authors),
)
