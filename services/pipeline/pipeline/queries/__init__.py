"""Everything that reads, by noun."""
