"""The gateway's own errors as problem documents (RFC 9457), written as HAProxy log-format strings."""

import json
from collections.abc import Mapping
from typing import NamedTuple


class Problem(NamedTuple):
    code: str
    title: str
    detail: str


PROBLEMS: Mapping[int, Problem] = {
    400: Problem("bad_request", "Bad Request", "The request is not valid HTTP."),
    401: Problem("invalid_token", "Unauthorized", "The access token is not valid."),
    403: Problem("forbidden", "Forbidden", "The request is not allowed."),
    404: Problem("not_found", "Not Found", "There is nothing at this address."),
    405: Problem("method_not_allowed", "Method Not Allowed", "The method is not allowed."),
    408: Problem("request_timeout", "Request Timeout", "The request did not arrive in time."),
    413: Problem("body_too_large", "Content Too Large", "The body is too large."),
    414: Problem("uri_too_long", "URI Too Long", "The address is too long."),
    431: Problem("headers_too_large", "Request Header Fields Too Large", "The headers are too large together."),
    429: Problem("rate_limited", "Too Many Requests", "Too many requests; wait before the next one."),
    500: Problem("internal_error", "Internal Server Error", "The gateway could not handle the request."),
    502: Problem("bad_gateway", "Bad Gateway", "The service gave no valid answer."),
    503: Problem("service_unavailable", "Service Unavailable", "No server can take the request now."),
    504: Problem("gateway_timeout", "Gateway Timeout", "The service did not answer in time."),
}

# Those that HAProxy may answer by itself, without a rule that says so.
SPONTANEOUS = (400, 401, 403, 404, 405, 408, 413, 429, 500, 502, 503, 504)

# Those of them that HAProxy's parser gives before there is a request: it takes only fixed texts, the files in errors/.
FIXED = (400, 408, 500)


def problem(status: int, code: str | None = None, detail: str | None = None) -> str:
    """Return the document for `status`; `code` and `detail` default to what the status usually means here."""
    default = PROBLEMS[status]
    slug = code or default.code
    document = {
        "type": f"urn:crm:problem:{slug}",
        "title": default.title,
        "status": status,
        "detail": detail or default.detail,
        "code": slug,
        "request_id": "%[var(txn.request_id)]",
    }
    text = json.dumps(document, separators=(",", ":"))
    if "'" in text:
        raise ValueError("a problem document stands in single quotes in HAProxy's configuration")
    return text
