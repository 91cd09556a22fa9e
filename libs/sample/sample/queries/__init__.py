"""Everything that reads, always within the tenant."""
