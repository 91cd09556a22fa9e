"""Imports on the wire: their schemas, their routes, and rows as they are read by the schema of a request."""
