"""The boards of leads and of deals."""

from urllib.parse import parse_qsl, urlencode

import orjson
from flask import Response, request

from chassis.db.listing import ListQuery, Shape
from chassis.errors import BadRequest, FieldError
from chassis.web.answers import answer
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint
from chassis.web.listing import MOST_PARAMETERS, next_cursor, parse_filter
from chassis.web.request import session
from pipeline.commands.setup import ensure_setup
from pipeline.queries import boards, totals
from pipeline.queries.cards import DEALS, LEADS, Cards
from pipeline.queries.pipelines import PIPELINES, find_default_pipeline
from pipeline.schemas.boards import DealBoardOut, LeadBoardOut

MOST_CARDS = 100
USUAL_CARDS = 20
_OWN = ("limit", "include", "pipeline_id")

blueprint = Blueprint("boards", __name__, url_prefix="/v1", description="Leads and deals by stage.")


@blueprint.route("/leads/board", methods=["GET"])
@require("leads:read")
@blueprint.response(200, LeadBoardOut)
def show_lead_board() -> Response:
    """Show the stages of leads, each with its first leads; filters are those of the list."""
    query, given = _asked(LEADS, _OWN[:2])
    if not boards.stage_documents(session(), LEADS):
        ensure_setup(session())
    return _answer(LEADS, query, given, None)


@blueprint.route("/deals/board", methods=["GET"])
@require("deals:read")
@blueprint.response(200, DealBoardOut)
def show_deal_board() -> Response:
    """Show the stages of a pipeline, each with its first deals; filters are those of the list."""
    query, given = _asked(DEALS, _OWN)
    if "pipeline_id" in given:
        pipeline_id = PIPELINES.get(session(), _number("pipeline_id", given["pipeline_id"], 2**63 - 1)).id
    else:
        found = find_default_pipeline(session())
        if found is None:
            ensure_setup(session())
            found = find_default_pipeline(session())
        pipeline_id = found or 0
    return _answer(DEALS, query, given, pipeline_id)


def _asked(cards: Cards, own: tuple[str, ...]) -> tuple[ListQuery, dict[str, str]]:
    """The filter that was asked for, in the grammar of lists, and the board's own parameters. Raises BadRequest."""
    try:
        text = request.query_string.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError:
        detail = f"The query string is not UTF-8 or has over {MOST_PARAMETERS} parts."
        raise BadRequest("malformed_query", detail) from None
    given = dict(pair for pair in pairs if pair[0] in own)
    filters = [pair for pair in pairs if pair[0] not in own]
    if len(given) + len(filters) != len(pairs):
        raise _refuse("", "repeated_parameter", f"Each of {', '.join(own)} can be given once.")
    if given.get("include", "totals") != "totals":
        raise _refuse("include", "unknown_include", "Only include=totals is known.")
    if filters:
        return parse_filter(cards.listing, urlencode(filters)), given
    return ListQuery(Shape(None, (), cards.listing.default_sort, USUAL_CARDS, after=False), ()), given


def _answer(cards: Cards, query: ListQuery, given: dict[str, str], pipeline_id: int | None) -> Response:
    limit = _number("limit", given.get("limit", str(USUAL_CARDS)), MOST_CARDS)
    columns = []
    counted = totals.count(session(), cards, query, pipeline_id) if "include" in given else None
    for column in boards.list_columns(session(), cards, query, limit, pipeline_id):
        cursor = next_cursor(cards.listing, column.query, column.page)
        parts = [
            b'"stage":%s,"cards":%s' % (orjson.dumps(column.stage), column.page.data),
            b'"next_cursor":%s,"has_more":%s' % (orjson.dumps(cursor), orjson.dumps(cursor is not None)),
        ]
        if counted is not None:
            parts.append(b'"totals":%s' % orjson.dumps(counted.of_stage(column.stage)))
        columns.append(b"{%s}" % b",".join(parts))
    whole = b"" if counted is None else b',"totals":%s' % orjson.dumps(counted.in_all())
    pipeline = b"" if pipeline_id is None else b'"pipeline_id":%d,' % pipeline_id
    return answer(b'{%s"columns":[%s]%s}' % (pipeline, b",".join(columns), whole))


def _number(name: str, text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:20]) <= most:
        raise _refuse(name, "invalid_value", f"{name} is a number from 1 to {most}.")
    return int(text)


def _refuse(parameter: str, code: str, detail: str) -> BadRequest:
    return BadRequest("invalid_query", detail, (FieldError(parameter, code, detail),))
