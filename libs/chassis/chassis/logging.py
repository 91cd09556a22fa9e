"""JSON log lines on stdout, one event a line, each carrying the context's tenant and request id."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from chassis.context import current


def configure(service: str, level: str = "info") -> None:
    """Send structlog and the standard library's loggers to stdout as JSON. Call once, first thing in a process."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            _named(service),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_context,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps, default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Bridge()], level=max(threshold, logging.WARNING), force=True)


def to_stderr() -> None:
    """For a command whose stdout is its answer: warnings alone, as lines for people, on stderr."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def _named(service: str) -> structlog.typing.Processor:
    def name(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return name


def _add_context(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = current()
    if context.company_id is not None:
        event["company_id"] = context.company_id
    if context.user_id is not None:
        event["user_id"] = context.user_id
    if context.request_id != "-":
        event["request_id"] = context.request_id
    return event


class _Bridge(logging.Handler):
    """Standard library records in the same shape, so that a library's warning is found by the same query."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None
        )
