"""Everything that the customers service reads, by what is read; always of one tenant."""
