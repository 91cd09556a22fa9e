"""The routes of deals, one by one."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, given_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from pipeline.commands import deal_moves, purges
from pipeline.commands import deals as commands
from pipeline.queries.deals import DEALS, RECORDS
from pipeline.queries.histories import HISTORY
from pipeline.routes.lists import answer_list
from pipeline.schemas.deals import DealIn, DealLosingIn, DealMoveIn, DealOut, DealPatch, WinningIn
from pipeline.schemas.histories import StageHistoryOut
from pipeline.schemas.leads import AssignmentIn, ReopeningIn

blueprint = Blueprint("deals", __name__, url_prefix="/v1/deals", description="The deals of a company.")


@blueprint.route("", methods=["POST"])
@require("deals:write")
@blueprint.arguments(DealIn)
@blueprint.response(201, DealOut)
def create_deal(values: dict[str, Any]) -> Response:
    """Create a deal, in the first open stage of the default pipeline unless one is given."""
    deal = commands.create_deal(session(), values)
    return created(deal.json, version=deal.version, location=f"/v1/deals/{deal.id}")


@blueprint.route("", methods=["GET"])
@require("deals:read")
@blueprint.listing(DEALS, DealOut)
def list_deals(query: ListQuery) -> Response:
    """List deals, newest first, without the archived ones."""
    return answer_list(DEALS, query)


@blueprint.route("/<id:deal_id>", methods=["GET"])
@require("deals:read")
@blueprint.response(200, DealOut)
def get_deal(deal_id: int) -> Response:
    """Get a deal, archived or not."""
    deal = RECORDS.get(session(), deal_id)
    return answer(deal.json, version=deal.version)


@blueprint.route("/<id:deal_id>", methods=["PATCH"])
@require("deals:write")
@versioned
@blueprint.arguments(DealPatch)
@blueprint.response(200, DealOut)
def update_deal(values: dict[str, Any], deal_id: int) -> Response:
    """Change some fields of a deal; a stage is moved into, to its top."""
    deal = deal_moves.update_deal(session(), deal_id, expected_version(), values)
    return answer(deal.json, version=deal.version)


@blueprint.route("/<id:deal_id>", methods=["DELETE"])
@require("deals:write")
@versioned
@blueprint.response(204)
def archive_deal(deal_id: int) -> Response:
    """Archive a deal; it can be restored."""
    commands.archive_deal(session(), deal_id, expected_version())
    return no_content()


@blueprint.route("/<id:deal_id>/restore", methods=["POST"])
@require("deals:write")
@heeds_version
@blueprint.response(200, DealOut)
def restore_deal(deal_id: int) -> Response:
    """Restore an archived deal."""
    deal = commands.restore_deal(session(), deal_id, given_version())
    return answer(deal.json, version=deal.version)


@blueprint.route("/<id:deal_id>/purge", methods=["POST"])
@require("deals:purge")
@versioned
@blueprint.response(204)
def purge_deal(deal_id: int) -> Response:
    """Delete a deal for good."""
    purges.purge_deal(session(), deal_id, expected_version())
    return no_content()


@blueprint.route("/<id:deal_id>/assign", methods=["POST"])
@require("deals:write")
@heeds_version
@blueprint.arguments(AssignmentIn)
@blueprint.response(200, DealOut)
def assign_deal(data: dict[str, Any], deal_id: int) -> Response:
    """Give a deal to somebody, or to nobody."""
    deal = commands.assign_deal(session(), deal_id, given_version(), data["assigned_to"])
    return answer(deal.json, version=deal.version)


@blueprint.route("/<id:deal_id>/move", methods=["POST"])
@require("deals:write")
@heeds_version
@blueprint.arguments(DealMoveIn)
@blueprint.response(200, DealOut)
def move_deal(data: dict[str, Any], deal_id: int) -> Response:
    """Move a deal into a stage, of another pipeline too, between the neighbours that are named."""
    deal = deal_moves.move_deal(session(), deal_id, given_version(), data)
    return answer(deal.json, version=deal.version)


@blueprint.route("/<id:deal_id>/win", methods=["POST"])
@require("deals:write")
@heeds_version
@blueprint.arguments(WinningIn)
@blueprint.response(200, DealOut)
def win_deal(data: dict[str, Any], deal_id: int) -> Response:
    """Win a deal, in the next won stage unless one is given."""
    deal = deal_moves.win_deal(session(), deal_id, given_version(), data)
    return answer(deal.json, version=deal.version)


@blueprint.route("/<id:deal_id>/lose", methods=["POST"])
@require("deals:write")
@heeds_version
@blueprint.arguments(DealLosingIn)
@blueprint.response(200, DealOut)
def lose_deal(data: dict[str, Any], deal_id: int) -> Response:
    """Lose a deal, for a reason."""
    deal = deal_moves.lose_deal(session(), deal_id, given_version(), data)
    return answer(deal.json, version=deal.version)


@blueprint.route("/<id:deal_id>/reopen", methods=["POST"])
@require("deals:write")
@heeds_version
@blueprint.arguments(ReopeningIn)
@blueprint.response(200, DealOut)
def reopen_deal(data: dict[str, Any], deal_id: int) -> Response:
    """Reopen a closed deal, in its last open stage unless another is given."""
    deal = deal_moves.reopen_deal(session(), deal_id, given_version(), data.get("stage_id"))
    return answer(deal.json, version=deal.version)


@blueprint.route("/<id:deal_id>/history", methods=["GET"])
@require("deals:read")
@blueprint.listing(HISTORY, StageHistoryOut)
def list_deal_history(query: ListQuery, deal_id: int) -> Response:
    """List the stages that a deal was in, newest first."""
    RECORDS.get(session(), deal_id)
    return answer_page(HISTORY, query, list_page(session(), HISTORY, query.where("deal_id", deal_id)))
