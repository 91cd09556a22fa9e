"""What the tasks service's records look like on the wire, by noun."""
