"""What can go wrong in a use case, said without HTTP: a kind, a stable code and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault in one input: `pointer` is a JSON Pointer (RFC 6901) into the body, or a parameter's name."""

    pointer: str
    code: str
    detail: str


@dataclass
class AppError(Exception):
    """The base of every expected failure. `code` is the machine's word for it and never changes.

    `members` are further members of the problem document (RFC 9457, 3.2).
    """

    code: str
    detail: str
    errors: Sequence[FieldError] = field(default_factory=tuple)
    headers: dict[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class BadRequest(AppError):
    """The request cannot be understood: malformed JSON, an unknown parameter, a broken cursor."""

    status = 400
    title = "Bad request"


class Unauthenticated(AppError):
    """No valid token."""

    status = 401
    title = "Unauthenticated"


class Forbidden(AppError):
    """A valid token without the permission that the route asks for."""

    status = 403
    title = "Forbidden"


class NotFound(AppError):
    """There is no such record in this tenant; another tenant's record looks the same."""

    status = 404
    title = "Not found"


class Conflict(AppError):
    """The change contradicts the present state."""

    status = 409
    title = "Conflict"


class PreconditionFailed(AppError):
    """If-Match names a version that is no longer current (RFC 9110, 13.1.1)."""

    status = 412
    title = "Precondition failed"


class TooLarge(AppError):
    """The body is larger than the service reads."""

    status = 413
    title = "Content too large"


class UnsupportedMediaType(AppError):
    """The body is not JSON."""

    status = 415
    title = "Unsupported media type"


class Invalid(AppError):
    """The request is understood and its values are wrong; `errors` says which."""

    status = 422
    title = "Invalid input"


@dataclass
class UnknownReference(Invalid):
    """Values name records of other services that this one has not heard of: `references` are their kinds and ids.

    What owns them may know better, because the news may be on its way; where nobody is asked, it is a wrong value.
    """

    references: frozenset[tuple[str, int]] = frozenset()


class PreconditionRequired(AppError):
    """A write without If-Match (RFC 6585, 3)."""

    status = 428
    title = "Precondition required"


class TooManyRequests(AppError):
    """Slow down; Retry-After says for how long."""

    status = 429
    title = "Too many requests"


class Unavailable(AppError):
    """Something this service needs does not answer now; Retry-After says when to try again."""

    status = 503
    title = "Service unavailable"
