"""Where records were and when: the stage history, newest first."""

from chassis.db.kinds import BOOLEAN, INTEGER, TIMESTAMP
from chassis.db.listing import Listing
from pipeline.views import STAGE_HISTORY

_KINDS = {"to_stage_id": INTEGER, "administrative": BOOLEAN, "entered_at": TIMESTAMP, "left_at": TIMESTAMP}
HISTORY = Listing(
    STAGE_HISTORY,
    filters={**_KINDS, "lead_id": INTEGER, "deal_id": INTEGER},
    sorts=("entered_at",),
    default_sort=(("entered_at", True),),
)
