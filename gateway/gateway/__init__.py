"""The one public door: the HAProxy configuration and what renders it."""
