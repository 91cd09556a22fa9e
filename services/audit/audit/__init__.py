"""The append-only record of every change in every service."""
