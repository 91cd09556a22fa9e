"""Backups of a stack and their restoration; docs/operations.md says when to do which."""
