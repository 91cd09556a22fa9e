"""The imports of leads and of deals: what the engine of imports is to know of them."""

from imports.engine.definition import Imports
from imports.engine.events import ImportEvents
from pipeline import events
from pipeline.commands.import_deals import DealTarget
from pipeline.commands.import_rows import LeadTarget
from pipeline.events import SOURCE
from pipeline.models import DEAL_IMPORTS as DEAL_TABLES
from pipeline.models import LEAD_IMPORTS as LEAD_TABLES
from pipeline.models import USERS
from pipeline.views import DEAL_IMPORT, LEAD_IMPORT

LEAD_IMPORTS = Imports(
    LEAD_TABLES,
    LEAD_IMPORT,
    source=SOURCE,
    noun="lead import",
    events=ImportEvents(
        created=events.LEAD_IMPORT_CREATED,
        updated=events.LEAD_IMPORT_UPDATED,
        started=events.LEAD_IMPORT_STARTED,
        completed=events.LEAD_IMPORT_COMPLETED,
        failed=events.LEAD_IMPORT_FAILED,
        cancelled=events.LEAD_IMPORT_CANCELLED,
        revert_started=events.LEAD_IMPORT_REVERT_STARTED,
        reverted=events.LEAD_IMPORT_REVERTED,
    ),
    users=USERS,
    targets={"lead": LeadTarget()},
)
DEAL_IMPORTS = Imports(
    DEAL_TABLES,
    DEAL_IMPORT,
    source=SOURCE,
    noun="deal import",
    events=ImportEvents(
        created=events.DEAL_IMPORT_CREATED,
        updated=events.DEAL_IMPORT_UPDATED,
        started=events.DEAL_IMPORT_STARTED,
        completed=events.DEAL_IMPORT_COMPLETED,
        failed=events.DEAL_IMPORT_FAILED,
        cancelled=events.DEAL_IMPORT_CANCELLED,
        revert_started=events.DEAL_IMPORT_REVERT_STARTED,
        reverted=events.DEAL_IMPORT_REVERTED,
    ),
    users=USERS,
    targets={"deal": DealTarget()},
    reads=("customers:read",),
)
