"""What an import is: its states, what it may do, and how large it may be. Pure, no I/O."""

from datetime import timedelta

UPLOADING, UPLOADED, VALIDATING, AWAITING, RUNNING, REVERTING = (
    "uploading",
    "uploaded",
    "validating",
    "awaiting_confirmation",
    "running",
    "reverting",
)
COMPLETED, COMPLETED_WITH_ERRORS, FAILED, CANCELLED, REVERTED = (
    "completed",
    "completed_with_errors",
    "failed",
    "cancelled",
    "reverted",
)
# What the worker works on; what a client may still change; what is over.
WORKING = (VALIDATING, RUNNING, REVERTING)
OPEN = (UPLOADED, AWAITING)
OVER = (COMPLETED, COMPLETED_WITH_ERRORS, FAILED, CANCELLED, REVERTED)
STATES = (UPLOADING, *OPEN, *WORKING, *OVER)
# What has changed records and can be undone.
REVERTIBLE = (COMPLETED, COMPLETED_WITH_ERRORS, FAILED, CANCELLED)

CREATE, UPDATE, UPSERT = "create", "update", "upsert"
MODES = (CREATE, UPDATE, UPSERT)

MOST_PARTS = 512
LARGEST_PART = 1024 * 1024
MOST_ROWS = 1_000_000
# All of them in one transaction, which holds up those who change the same records.
MOST_ROWS_AT_ONCE = 50_000
MOST_UNFINISHED = 5
# What a company may have lying about, in imports of all states: files on their way in, and these with their rows.
MOST_FILE_BYTES = 1024**3
MOST_KEPT_BYTES = 2 * 1024**3
# What is done in one transaction; a chunk of long rows, in characters, has fewer.
CHUNK = 1000
LONGEST_CHUNK = 4_000_000
REVERT_WINDOW = timedelta(days=30)

# What becomes of a cell that names nothing that is known, such as a status of another system's.
REFUSE, EMPTY = "refuse", "empty"
ON_UNKNOWN = (REFUSE, EMPTY)
# What a client may say of how cells are read.
READING = ("on_unknown", "value_mapping", "date_format", "decimal_mark")
