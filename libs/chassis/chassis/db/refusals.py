"""What the database refuses, as the expected failure that it means; its own text never leaves the service."""

from collections.abc import Mapping

import psycopg
import structlog
from psycopg import errors as pg

from chassis.errors import AppError, Conflict, Invalid, Unavailable

log = structlog.get_logger()


def expected(error: Exception, conflicts: Mapping[str, AppError]) -> AppError:
    """The failure that an exception of one piece of work behind a savepoint means.

    Raises the exception again where it is no refusal, or where it takes the whole transaction with it.
    """
    if isinstance(error, AppError):
        return error
    if not isinstance(error, psycopg.Error) or isinstance(error, psycopg.OperationalError):
        raise error
    return translate(error, conflicts)


def translate(error: psycopg.Error, conflicts: Mapping[str, AppError]) -> AppError:  # noqa: PLR0911  # A table.
    """What a database error means to a client; `conflicts` says what a violated constraint means."""
    constraint = error.diag.constraint_name or ""
    if constraint in conflicts:
        return conflicts[constraint]
    match error:
        case pg.UniqueViolation() | pg.ExclusionViolation():
            return Conflict("already_exists", "There is such a record already.")
        case pg.ForeignKeyViolation():
            return Invalid("unknown_reference", "A record that this one refers to does not exist.")
        case pg.DataError() | pg.IntegrityError():
            log.warning("input_refused_by_database", sqlstate=error.sqlstate, constraint=constraint)
            return Invalid("invalid_value", "A value is outside of what can be stored.")
        case pg.LockNotAvailable() | pg.DeadlockDetected() | pg.SerializationFailure():
            return Conflict("record_busy", "Somebody else is changing this record.", headers={"Retry-After": "1"})
        case pg.QueryCanceled():
            log.warning("deadline_exceeded", sqlstate=error.sqlstate)
            detail = "The request takes longer than it may; ask for less at a time, or again later."
            return Unavailable("deadline_exceeded", detail, headers={"Retry-After": "2"})
        case psycopg.OperationalError() | psycopg.InterfaceError():
            log.error("database_unavailable", sqlstate=error.sqlstate, error=str(error))
            return busy()
    log.error("unforeseen_database_failure", sqlstate=error.sqlstate, exc_info=error)
    return AppError("internal_error", "Something went wrong on our side; the request id finds it in the logs.")


def busy() -> Unavailable:
    """What it means that the database, or a free connection to it, is not to be had."""
    return Unavailable("database_unavailable", "The database does not answer now.", headers={"Retry-After": "2"})
