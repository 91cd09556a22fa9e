"""What operators do to the pipeline: `python -m pipeline.operators resync | heal | rekey | expire-leads`."""

import sys
from threading import Event as Flag

from chassis import rekeying
from chassis.config import Settings, SettingsError, exit_with
from chassis.db.session import Database
from chassis.healing import command as healing
from chassis.healing.kinds import kinds_of, views_in
from chassis.references import resync
from chassis.rekeying import Keyed
from pipeline import events, views
from pipeline.commands.customer_changes import CUSTOMER_PURGES
from pipeline.commands.retention import list_expired, purging
from pipeline.models import REFERENCES
from pipeline.queries.keys import with_lead_keys
from pipeline.queries.leads import RECORDS as LEADS

MOST_SHOWN = 100_000
KINDS = kinds_of(events.PUBLISHED, views_in(views), {"leads": with_lead_keys})


KEYED = (
    Keyed(
        LEADS,
        events.LEAD_UPDATED,
        ("lead_name", "email", "phone"),
        ("email_norm", "phone_e164", "phone_tail", "name_norm"),
        with_lead_keys,
    ),
)


def expire(*, dry_run: bool) -> None:
    """Delete the leads that are kept no longer, or only name them."""
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        exit_with(error)
    database = Database(settings.database_url, application_name="pipeline-operators")
    try:
        leads = list_expired(database, MOST_SHOWN) if dry_run else purging(database, Flag())
        count = 0
        for company_id, lead_id in leads:
            sys.stdout.write(f"company {company_id}: lead {lead_id}\n")
            count += 1
        sys.stdout.write(f"{count} leads {'would go' if dry_run else 'gone'}\n")
    finally:
        database.dispose()


if __name__ == "__main__":
    if sys.argv[1:2] == ["expire-leads"] and sys.argv[2:] in ([], ["--dry-run"]):
        expire(dry_run="--dry-run" in sys.argv)
    elif sys.argv[1:2] == [rekeying.COMMAND]:
        rekeying.main(events.SOURCE, KEYED, sys.argv[2:])
    elif sys.argv[1:2] == [healing.COMMAND]:
        healing.main(events.SOURCE, KINDS, sys.argv[2:])
    else:
        resync.main("pipeline", REFERENCES, sys.argv[1:], removers={"customer": CUSTOMER_PURGES.note})
