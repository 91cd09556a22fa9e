"""Everything that changes identity, by what it changes."""
