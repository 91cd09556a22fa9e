"""Answers: JSON that PostgreSQL made, with its ETag and its place; pages with their cursor."""

import re

from flask import Response, request

from chassis.errors import BadRequest, PreconditionFailed, PreconditionRequired

JSON = "application/json"
_TAG = re.compile(r'"([0-9]{1,9})"\Z')


def answer(document: bytes, *, version: int | None = None, status: int = 200) -> Response:
    """A record. With its version comes the ETag, and 304 to a GET that has it already (RFC 9110, 13.1.2)."""
    response = Response(document, status, content_type=JSON)
    if version is not None:
        response.headers["ETag"] = tag = f'"{version}"'
        if request.method == "GET" and tag in request.headers.get("If-None-Match", ""):
            response.status_code = 304
            response.set_data(b"")
    return response


def uncacheable(document: bytes, *, version: int) -> Response:
    """A record of which parts move on without a new version: with its ETag for a change, and never a 304.

    No cache may keep it, because one that asked by the ETag would be told for ever that nothing has moved.
    """
    response = Response(document, content_type=JSON)
    response.headers["ETag"] = f'"{version}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def created(document: bytes, *, version: int, location: str) -> Response:
    """A record that did not exist before: 201 with Location and ETag."""
    response = answer(document, version=version, status=201)
    response.headers["Location"] = location
    return response


def accepted() -> Response:
    """It will be done, or was no use; the answer does not say which: 202."""
    response = Response(status=202)
    del response.headers["Content-Type"]
    return response


def no_content() -> Response:
    """Done, and nothing to show for it: 204."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def given_version() -> int | None:
    """As `expected_version` for a change that needs no If-Match but heeds it: None without the header.

    Raises BadRequest, PreconditionFailed.
    """
    return expected_version() if "If-Match" in request.headers else None


def expected_version() -> int:
    """The version that If-Match names: the client says which state its change is meant for.

    Raises PreconditionRequired without the header, BadRequest for `*`, PreconditionFailed for what can be no version
    of ours (a weak tag never matches, RFC 9110, 13.1.1).
    """
    header = request.headers.get("If-Match")
    if header is None:
        raise PreconditionRequired("if_match_required", "Send If-Match with the ETag of the state you are changing.")
    if header.strip() == "*":
        raise BadRequest("if_match_unspecific", "If-Match: * would overwrite changes unseen; send the ETag.")
    tag = _TAG.match(header.strip())
    if tag is None:
        raise PreconditionFailed("stale_version", "If-Match does not name a version of this record.")
    return int(tag[1])
