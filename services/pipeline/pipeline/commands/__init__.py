"""Everything that changes state, by noun."""
