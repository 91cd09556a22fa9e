"""Everything that changes the tasks service's records, by noun."""
