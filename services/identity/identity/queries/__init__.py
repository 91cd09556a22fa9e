"""Everything that identity reads, by what is read."""
