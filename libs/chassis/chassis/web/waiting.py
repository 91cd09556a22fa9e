"""Waiting for what a request has begun, as far as its `Prefer: wait` asks for it (RFC 7240, 4.3)."""

import contextlib
import re
import time
from collections.abc import Callable

import psycopg
from flask import Response, g, request
from werkzeug.http import parse_list_header

from chassis.web.blueprint import View, note_header
from chassis.web.places import Room

LONGEST_WAIT = 5
# A look costs what a small read costs, so the first is taken shortly before it was usually found lately.
EARLY, OF_LAST = 0.8, 0.2
FIRST_PAUSE, LONGEST_FIRST_PAUSE = 0.02, 0.25
NEXT_PAUSE, LONGEST_PAUSE = 0.03, 0.25
_WAIT = re.compile(r'wait\s*=\s*"?([0-9]{1,9})"?\s*(?:;.*)?\Z', re.IGNORECASE)

Look = Callable[[], Response | None]
# How long what a route begins usually takes, in seconds, as this process has seen it.
_usual: dict[str, float] = {}


def wait_for(look: Look) -> None:
    """Let the request be answered with what `look` finds within the time that the client would wait, else as it is.

    It looks some time after the request's transaction was committed, and again and again in one round trip each:
    nobody waits with a transaction, a lock or a connection of the pool in hand.
    """
    g.look = look


def prefers_to_wait() -> bool:
    """Whether the client would rather wait than come again."""
    return _seconds() is not None


def waited(response: Response, room: Room, company_id: int) -> Response:
    """The answer of a committed request, waited for if there is room and the view has said what to look for."""
    look: Look | None = g.pop("look", None)
    seconds = _seconds()
    if look is None or seconds is None or response.status_code >= 400:  # noqa: PLR2004  # Nothing was begun.
        return response
    with room.found(company_id) as found:
        if not found:
            return response
        # What has begun goes on, whether or not one can see it.
        with contextlib.suppress(psycopg.Error):
            response = _look_for(look, seconds) or response
    response.headers["Preference-Applied"] = f"wait={seconds}"
    return response


def _look_for(look: Look, seconds: int) -> Response | None:
    route = str(request.url_rule)
    began = time.monotonic()
    usual = _usual.get(route, 0.0)
    pause, following = min(max(EARLY * usual, FIRST_PAUSE), LONGEST_FIRST_PAUSE), NEXT_PAUSE
    while (left := began + seconds - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        # In proportion to what it takes already: where all are slow, looking must not make them slower.
        pause, following = following, min(following * 1.5, LONGEST_PAUSE)
        if (found := look()) is not None:
            _usual[route] = usual + OF_LAST * (time.monotonic() - began - usual)
            return found
    return None


def _seconds() -> int | None:
    """How long the client would wait, as far as we do; the first of several such preferences counts."""
    for header in request.headers.getlist("Prefer"):
        for preference in parse_list_header(header):
            found = _WAIT.match(preference)
            if found is not None:
                return min(int(found[1]), LONGEST_WAIT)
    return None


def heeds_wait(view: View) -> View:
    """Document that a route waits for what it has begun where the request prefers that."""
    view.heeds_wait = True  # type: ignore[attr-defined]  # The application reads it when routes are registered.
    return note_header(
        view,
        "Prefer",
        f"`wait=3`: answer when it is done, if that is within so many seconds ({LONGEST_WAIT} at most).",
        {"type": "string", "examples": ["wait=3"]},
    )
