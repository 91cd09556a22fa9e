"""The imports of leads: what the engine of imports is to know of them."""

from imports.engine.definition import Imports
from imports.engine.events import ImportEvents
from pipeline.commands.import_rows import LeadTarget
from pipeline.events import (
    LEAD_IMPORT_CANCELLED,
    LEAD_IMPORT_COMPLETED,
    LEAD_IMPORT_CREATED,
    LEAD_IMPORT_FAILED,
    LEAD_IMPORT_REVERT_STARTED,
    LEAD_IMPORT_REVERTED,
    LEAD_IMPORT_STARTED,
    LEAD_IMPORT_UPDATED,
    SOURCE,
)
from pipeline.models import LEAD_IMPORTS, USERS
from pipeline.views import LEAD_IMPORT

IMPORTS = Imports(
    LEAD_IMPORTS,
    LEAD_IMPORT,
    source=SOURCE,
    noun="lead import",
    events=ImportEvents(
        created=LEAD_IMPORT_CREATED,
        updated=LEAD_IMPORT_UPDATED,
        started=LEAD_IMPORT_STARTED,
        completed=LEAD_IMPORT_COMPLETED,
        failed=LEAD_IMPORT_FAILED,
        cancelled=LEAD_IMPORT_CANCELLED,
        revert_started=LEAD_IMPORT_REVERT_STARTED,
        reverted=LEAD_IMPORT_REVERTED,
    ),
    users=USERS,
    targets={"lead": LeadTarget()},
)
