"""The route of timelines."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, current_app, request

from chassis.context import tenant
from chassis.db.listing import DEFAULT_PAGE
from chassis.errors import BadRequest, FieldError
from chassis.web import cursors
from chassis.web.answers import answer
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from tasks.queries.links import SUBJECTS
from tasks.queries.timeline import Place, Question, list_page
from tasks.rules.timeline import grouped
from tasks.schemas.timeline import TimelinePage, TimelineQuery

blueprint = Blueprint("timeline", __name__, url_prefix="/v1/timeline", description="What has happened, in order.")


@blueprint.route("", methods=["GET"])
@require("activities:read")
@blueprint.query(TimelineQuery)
@blueprint.response(200, TimelinePage)
def show_timeline(asked: dict[str, Any]) -> Response:
    """List what has happened with a customer, a lead or a deal, the latest first."""
    kind, given = _subject(asked)
    filters = {name: asked.get(name) for name in ("activity_type", "user_id", "from", "to")}
    question = Question(kind, given, asked.get("kind"), filters)
    limit = int(asked.get("limit", DEFAULT_PAGE))
    bound = repr((tenant(), "timeline", question)).encode()
    secret = current_app.config["CURSOR_SECRET"]
    after = Place(datetime.now(UTC))
    headers, cursor = {}, None
    if "cursor" in asked:
        at, rank, record_id = cursors.unseal(secret, bound, asked["cursor"])
        after = Place(datetime.fromisoformat(at), rank, record_id)
    subject_id, found = list_page(session(), question, after, limit)
    if found.last is not None:
        cursor = cursors.seal(secret, bound, found.last)
        kept = [(name, value) for name, value in request.args.items() if name != "cursor"]
        headers["Link"] = f'<{request.path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
    shown = found.data
    if asked.get("group") == "true":
        shown = orjson.dumps(grouped(orjson.loads(shown)))
    place = orjson.dumps({"next_cursor": cursor, "has_more": cursor is not None})
    response = answer(b'{"data":%s,"page":%s}' % (shown, place))
    response.headers.update(headers)
    if subject_id != given:
        response.headers["Content-Location"] = f"{request.path}?{kind}_id={subject_id}"
    return response


def _subject(asked: dict[str, Any]) -> tuple[str, int]:
    named = [(kind, asked[f"{kind}_id"]) for kind in SUBJECTS if f"{kind}_id" in asked]
    if len(named) != 1:
        detail = "A timeline is of one customer, one lead or one deal: name exactly one."
        raise BadRequest("invalid_query", detail, (FieldError("customer_id", "exactly_one", detail),))
    return named[0]
