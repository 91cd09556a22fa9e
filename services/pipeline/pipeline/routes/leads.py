"""The routes of leads, one by one."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, given_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from pipeline.commands import lead_moves, purges
from pipeline.commands import leads as commands
from pipeline.queries.histories import HISTORY
from pipeline.queries.leads import LEADS, RECORDS
from pipeline.routes.lists import answer_list
from pipeline.schemas.histories import StageHistoryOut
from pipeline.schemas.leads import AssignmentIn, LeadIn, LeadOut, LeadPatch, MoveIn, ReasonIn, ReopeningIn

blueprint = Blueprint("leads", __name__, url_prefix="/v1/leads", description="The leads of a company.")


@blueprint.route("", methods=["POST"])
@require("leads:write")
@blueprint.arguments(LeadIn)
@blueprint.response(201, LeadOut)
def create_lead(values: dict[str, Any]) -> Response:
    """Create a lead, in the first open stage unless one is given."""
    lead = commands.create_lead(session(), values)
    return created(lead.json, version=lead.version, location=f"/v1/leads/{lead.id}")


@blueprint.route("", methods=["GET"])
@require("leads:read")
@blueprint.listing(LEADS, LeadOut)
def list_leads(query: ListQuery) -> Response:
    """List leads, newest first, without the archived ones."""
    return answer_list(LEADS, query)


@blueprint.route("/<id:lead_id>", methods=["GET"])
@require("leads:read")
@blueprint.response(200, LeadOut)
def get_lead(lead_id: int) -> Response:
    """Get a lead, archived or not."""
    lead = RECORDS.get(session(), lead_id)
    return answer(lead.json, version=lead.version)


@blueprint.route("/<id:lead_id>", methods=["PATCH"])
@require("leads:write")
@versioned
@blueprint.arguments(LeadPatch)
@blueprint.response(200, LeadOut)
def update_lead(values: dict[str, Any], lead_id: int) -> Response:
    """Change some fields of a lead; a stage is moved into, to its top."""
    lead = lead_moves.update_lead(session(), lead_id, expected_version(), values)
    return answer(lead.json, version=lead.version)


@blueprint.route("/<id:lead_id>", methods=["DELETE"])
@require("leads:write")
@versioned
@blueprint.response(204)
def archive_lead(lead_id: int) -> Response:
    """Archive a lead; it can be restored."""
    commands.archive_lead(session(), lead_id, expected_version())
    return no_content()


@blueprint.route("/<id:lead_id>/restore", methods=["POST"])
@require("leads:write")
@heeds_version
@blueprint.response(200, LeadOut)
def restore_lead(lead_id: int) -> Response:
    """Restore an archived lead."""
    lead = commands.restore_lead(session(), lead_id, given_version())
    return answer(lead.json, version=lead.version)


@blueprint.route("/<id:lead_id>/purge", methods=["POST"])
@require("leads:purge")
@versioned
@blueprint.response(204)
def purge_lead(lead_id: int) -> Response:
    """Delete a lead for good; its deals stay."""
    purges.purge_lead(session(), lead_id, expected_version())
    return no_content()


@blueprint.route("/<id:lead_id>/assign", methods=["POST"])
@require("leads:write")
@heeds_version
@blueprint.arguments(AssignmentIn)
@blueprint.response(200, LeadOut)
def assign_lead(data: dict[str, Any], lead_id: int) -> Response:
    """Give a lead to somebody, or to nobody."""
    lead = commands.assign_lead(session(), lead_id, given_version(), data["assigned_to"])
    return answer(lead.json, version=lead.version)


@blueprint.route("/<id:lead_id>/move", methods=["POST"])
@require("leads:write")
@heeds_version
@blueprint.arguments(MoveIn)
@blueprint.response(200, LeadOut)
def move_lead(data: dict[str, Any], lead_id: int) -> Response:
    """Move a lead into a stage, between the neighbours that are named."""
    lead = lead_moves.move_lead(session(), lead_id, given_version(), data)
    return answer(lead.json, version=lead.version)


@blueprint.route("/<id:lead_id>/lose", methods=["POST"])
@require("leads:write")
@heeds_version
@blueprint.arguments(ReasonIn)
@blueprint.response(200, LeadOut)
def lose_lead(data: dict[str, Any], lead_id: int) -> Response:
    """Lose a lead."""
    lead = lead_moves.lose_lead(session(), lead_id, given_version(), data)
    return answer(lead.json, version=lead.version)


@blueprint.route("/<id:lead_id>/reopen", methods=["POST"])
@require("leads:write")
@heeds_version
@blueprint.arguments(ReopeningIn)
@blueprint.response(200, LeadOut)
def reopen_lead(data: dict[str, Any], lead_id: int) -> Response:
    """Reopen a lost lead, in its last open stage unless another is given."""
    lead = lead_moves.reopen_lead(session(), lead_id, given_version(), data.get("stage_id"))
    return answer(lead.json, version=lead.version)


@blueprint.route("/<id:lead_id>/history", methods=["GET"])
@require("leads:read")
@blueprint.listing(HISTORY, StageHistoryOut)
def list_lead_history(query: ListQuery, lead_id: int) -> Response:
    """List the stages that a lead was in, newest first."""
    RECORDS.get(session(), lead_id)
    return answer_page(HISTORY, query, list_page(session(), HISTORY, query.where("lead_id", lead_id)))
