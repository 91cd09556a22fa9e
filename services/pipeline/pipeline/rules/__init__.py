"""What leads, deals and their stages may be: the enumerations and sizes of the data model. Pure, no I/O."""

PRIORITIES = ("low", "medium", "high")
LEAD_STATUSES = ("new", "contacted", "qualified", "lost", "converted")
OPEN_LEAD_STATUSES = ("new", "contacted", "qualified")
DEAL_STATUSES = ("open", "won", "lost")
FORECAST_CATEGORIES = ("pipeline", "best_case", "commit", "closed", "omitted")
PROBABILITY_SOURCES = ("stage", "manual")
# What a deal stage may ask of the deals that enter it.
REQUIRED_FIELDS = ("deal_value", "expected_close_date", "assigned_to", "lead_id", "notes")
CONVERSION_STATES = ("converting", "completed", "failed", "cancelled", "undone")
LONGEST_NAME = 255
