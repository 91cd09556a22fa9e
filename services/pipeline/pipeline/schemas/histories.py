"""What a row of the stage history looks like on the wire."""

from chassis.web.records import RecordSchema
from pipeline.views import STAGE_HISTORY


class StageHistoryOut(RecordSchema, view=STAGE_HISTORY):
    """A stage that a record was in: since when, until when, and what it was worth when it entered."""
