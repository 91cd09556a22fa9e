"""Everything that changes state, and records the event of each change; nothing here commits."""
