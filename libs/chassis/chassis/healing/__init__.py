"""Healing a service that was restored from a backup into a world that went on; an operator's command."""
