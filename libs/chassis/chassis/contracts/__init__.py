"""The contracts of events: read, bundled, and derived from what the services declare."""
