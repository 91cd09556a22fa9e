"""Everything that reads the tasks service's records; always of one tenant."""
