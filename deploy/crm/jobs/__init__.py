"""What runs once in a container: secrets, databases, the gateway's configuration; and demo data."""
