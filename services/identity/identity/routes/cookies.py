"""Sessions of browsers: the refresh token in a cookie that no script can read, and one cookie for each company."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, request

from chassis.errors import Forbidden
from chassis.web.answers import answer
from identity import rules
from identity.commands.sessions import Tokens
from identity.routes.authority import secret


def wants_cookie(data: Mapping[str, Any]) -> bool:
    """Whether the session is to be a browser's. Raises Forbidden unless a page of this very origin asks for it.

    SameSite keeps other sites from sending the cookie; this keeps their pages, and those of neighbouring names, from
    having one set as well. No script can write the header (Fetch Metadata).
    """
    if data.get("session") != "cookie":
        return False
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        raise Forbidden("not_same_origin", "A session in a cookie is for pages of this origin, in a browser.")
    return True


def cookie_of(company_id: int) -> str | None:
    """The refresh token that the browser keeps for a company."""
    return request.cookies.get(_name(company_id))


def answer_tokens(tokens: Tokens, *, in_cookie: bool, members: bytes = b"{", status: int = 200) -> Response:
    """Answer with tokens behind other `members`: both in the document, or the refresh token in a cookie."""
    document = tokens.document()
    if in_cookie:
        del document["refresh_token"]
    response = secret(answer(members + orjson.dumps(document)[1:], status=status))
    if in_cookie:
        _set(response, tokens.company_id, tokens.refresh_token, int(rules.REFRESH_IDLE.total_seconds()))
    return response


def forget_cookie(response: Response, company_id: int) -> Response:
    """Let the browser delete what it has shown of a session that is over."""
    if cookie_of(company_id) is not None:
        _set(response, company_id, "", 0)
    return response


def _name(company_id: int) -> str:
    """The prefix has browsers refuse the cookie unless it is for this host alone, and over TLS or on loopback."""
    return f"__Host-crm_{company_id}"


def _set(response: Response, company_id: int, value: str, max_age: int) -> None:
    response.set_cookie(
        _name(company_id), value, max_age=max_age, path="/", secure=True, httponly=True, samesite="Strict"
    )
