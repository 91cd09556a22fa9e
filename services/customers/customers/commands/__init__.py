"""Everything that changes customers and what belongs to them, by noun."""
