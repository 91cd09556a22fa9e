"""The routes of calendar feeds: one's own, and the calendar itself, for who has its address."""

import hashlib
from typing import Any

import orjson
from flask import Response, current_app, request

from chassis.web.answers import answer, no_content
from chassis.web.auth import public, require
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from tasks.commands import calendar_feeds as commands
from tasks.schemas.calendar import CalendarFeedIn, CalendarFeedOut, NewCalendarFeedOut

blueprint = Blueprint("calendar", __name__, url_prefix="/v1", description="One's tasks in a calendar.")


@blueprint.route("/calendar-feed", methods=["POST"])
@require("account:write")
@blueprint.arguments(CalendarFeedIn)
@blueprint.response(201, NewCalendarFeedOut)
def create_feed(values: dict[str, Any]) -> Response:
    """Make one's calendar feed, in the place of the one before; its address is shown this once."""
    feed, token = commands.create_feed(session(), values)
    url = f"{_app_url().rstrip('/')}/v1/calendar/{token}.ics"
    response = answer(orjson.dumps({**feed.document, "url": url}), status=201)
    response.headers["Location"] = "/v1/calendar-feed"
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/calendar-feed", methods=["GET"])
@require("account:read")
@blueprint.response(200, CalendarFeedOut)
def get_feed() -> Response:
    """Get one's calendar feed, without its address."""
    feed = commands.get_feed(session())
    return answer(feed.json, version=feed.version)


@blueprint.route("/calendar-feed", methods=["DELETE"])
@require("account:write")
@blueprint.response(204)
def revoke_feed() -> Response:
    """Revoke one's calendar feed: its address leads nowhere from now on."""
    commands.revoke_feed(session())
    return no_content()


@blueprint.route("/calendar/<token>.ics", methods=["GET"])
@public
@blueprint.response(200)
def show_calendar(token: str) -> Response:
    """Get the tasks of who made this address, as a calendar (RFC 5545)."""
    document = commands.show_calendar(session(), token, _app_url())
    response = Response(document, content_type="text/calendar; charset=utf-8")
    response.headers["Cache-Control"] = "private, max-age=900"
    response.set_etag(hashlib.sha256(document).hexdigest()[:32])
    response.make_conditional(request)
    return response


def _app_url() -> str:
    url: str = current_app.config["SETTINGS"].app_url
    return url
