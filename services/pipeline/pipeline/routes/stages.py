"""The routes of stages."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from flask import Response

from chassis.db.listing import LARGEST_PAGE, Listing, ListQuery, Shape
from chassis.db.matching import lock_matching
from chassis.db.pages import list_page
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.web.answers import answer, created, expected_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, versioned
from chassis.web.bulk import BulkUpdateOut, confirm_change
from chassis.web.listing import answer_page
from chassis.web.request import session
from pipeline.commands import applying, stage_deletion
from pipeline.commands import stages as commands
from pipeline.queries.deals import DEALS as DEALS_LIST
from pipeline.queries.deals import RECORDS as DEAL_RECORDS
from pipeline.queries.pipelines import PIPELINES
from pipeline.queries.stages import DEAL_STAGE_LIST, DEAL_STAGES, LEAD_STAGE_LIST, LEAD_STAGES
from pipeline.routes.lists import answer_settings
from pipeline.schemas.stages import (
    DealStageIn,
    DealStageOut,
    DealStagePatch,
    DealStagesOut,
    LeadStageIn,
    LeadStageOut,
    LeadStagePatch,
    LeadStagesOut,
    MoveTo,
    MovingOut,
    OrderIn,
    ProbabilityIn,
)

blueprint = Blueprint("stages", __name__, url_prefix="/v1", description="What leads and deals go through.")


@blueprint.route("/lead-stages", methods=["GET"])
@require("leads:read")
@blueprint.listing(LEAD_STAGE_LIST, LeadStageOut)
def list_lead_stages(query: ListQuery) -> Response:
    """List the stages of leads, in order."""
    return answer_settings(LEAD_STAGE_LIST, query)


@blueprint.route("/lead-stages", methods=["POST"])
@require("pipelines:write")
@blueprint.arguments(LeadStageIn)
@blueprint.response(201, LeadStageOut)
def create_lead_stage(values: dict[str, Any]) -> Response:
    """Add a stage of leads, behind the others."""
    stage = commands.create_lead_stage(session(), values)
    return created(stage.json, version=stage.version, location=f"/v1/lead-stages/{stage.id}")


@blueprint.route("/lead-stages/<id:lead_stage_id>", methods=["GET"])
@require("leads:read")
@blueprint.response(200, LeadStageOut)
def get_lead_stage(lead_stage_id: int) -> Response:
    """Get a stage of leads."""
    stage = LEAD_STAGES.get(session(), lead_stage_id)
    return answer(stage.json, version=stage.version)


@blueprint.route("/lead-stages/<id:lead_stage_id>", methods=["PATCH"])
@require("pipelines:write")
@versioned
@blueprint.arguments(LeadStagePatch)
@blueprint.response(200, LeadStageOut)
def update_lead_stage(values: dict[str, Any], lead_stage_id: int) -> Response:
    """Change some fields of a stage of leads."""
    stage = commands.update_lead_stage(session(), lead_stage_id, expected_version(), values)
    return answer(stage.json, version=stage.version)


@blueprint.route("/lead-stages/<id:lead_stage_id>", methods=["DELETE"])
@require("pipelines:write")
@versioned
@blueprint.query(MoveTo)
@blueprint.response(204)
@blueprint.response(202, MovingOut)
def delete_lead_stage(data: dict[str, Any], lead_stage_id: int) -> Response:
    """Delete a stage of leads; what is in it goes to the stage `move_to`, by a worker where it is more than 500."""
    return _delete(stage_deletion.delete_lead_stage, lead_stage_id, data.get("move_to"))


@blueprint.route("/lead-stages/reorder", methods=["POST"])
@require("pipelines:write")
@blueprint.arguments(OrderIn)
@blueprint.response(200, LeadStagesOut)
def reorder_lead_stages(data: dict[str, Any]) -> Response:
    """Put the stages of leads into another order."""
    commands.reorder_lead_stages(session(), data["ids"])
    return _all_of(LEAD_STAGE_LIST)


@blueprint.route("/pipelines/<id:pipeline_id>/stages", methods=["GET"])
@require("deals:read")
@blueprint.listing(DEAL_STAGE_LIST, DealStageOut)
def list_deal_stages(query: ListQuery, pipeline_id: int) -> Response:
    """List the stages of a pipeline, in order."""
    PIPELINES.get(session(), pipeline_id)
    page = list_page(session(), DEAL_STAGE_LIST, query.where("pipeline_id", pipeline_id))
    return answer_page(DEAL_STAGE_LIST, query, page)


@blueprint.route("/pipelines/<id:pipeline_id>/stages", methods=["POST"])
@require("pipelines:write")
@blueprint.arguments(DealStageIn)
@blueprint.response(201, DealStageOut)
def create_deal_stage(values: dict[str, Any], pipeline_id: int) -> Response:
    """Add a stage of a pipeline, behind the others."""
    stage = commands.create_deal_stage(session(), pipeline_id, values)
    return created(stage.json, version=stage.version, location=f"/v1/deal-stages/{stage.id}")


@blueprint.route("/pipelines/<id:pipeline_id>/stages/reorder", methods=["POST"])
@require("pipelines:write")
@blueprint.arguments(OrderIn)
@blueprint.response(200, DealStagesOut)
def reorder_deal_stages(data: dict[str, Any], pipeline_id: int) -> Response:
    """Put the stages of a pipeline into another order."""
    PIPELINES.get(session(), pipeline_id)
    commands.reorder_deal_stages(session(), pipeline_id, data["ids"])
    return _all_of(DEAL_STAGE_LIST, pipeline_id)


@blueprint.route("/deal-stages/<id:deal_stage_id>", methods=["GET"])
@require("deals:read")
@blueprint.response(200, DealStageOut)
def get_deal_stage(deal_stage_id: int) -> Response:
    """Get a stage of a pipeline."""
    stage = DEAL_STAGES.get(session(), deal_stage_id)
    return answer(stage.json, version=stage.version)


@blueprint.route("/deal-stages/<id:deal_stage_id>", methods=["PATCH"])
@require("pipelines:write")
@versioned
@blueprint.arguments(DealStagePatch)
@blueprint.response(200, DealStageOut)
def update_deal_stage(values: dict[str, Any], deal_stage_id: int) -> Response:
    """Change some fields of a stage; the deals in it keep their probability."""
    stage = commands.update_deal_stage(session(), deal_stage_id, expected_version(), values)
    return answer(stage.json, version=stage.version)


@blueprint.route("/deal-stages/<id:deal_stage_id>", methods=["DELETE"])
@require("pipelines:write")
@versioned
@blueprint.query(MoveTo)
@blueprint.response(204)
@blueprint.response(202, MovingOut)
def delete_deal_stage(data: dict[str, Any], deal_stage_id: int) -> Response:
    """Delete a stage; what is in it goes to the stage `move_to`, by a worker where it is more than 500."""
    return _delete(stage_deletion.delete_deal_stage, deal_stage_id, data.get("move_to"))


@blueprint.route("/deal-stages/<id:deal_stage_id>/apply-probability", methods=["POST"])
@require("pipelines:write")
@blueprint.arguments(ProbabilityIn)
@blueprint.response(200, BulkUpdateOut)
def apply_probability(data: dict[str, Any], deal_stage_id: int) -> Response:
    """Give a stage's probability to the open deals that follow it: first without `confirm`, to see how many."""
    stage = DEAL_STAGES.get(session(), deal_stage_id, lock=True)
    probability = stage.document["probability"]

    def apply(session: Session, records: Sequence[Record]) -> int:
        return applying.apply_probability(session, records, probability)

    change = orjson.dumps({"probability": probability})
    query = applying.following(deal_stage_id)
    found = lock_matching(session(), DEALS_LIST, DEAL_RECORDS, query)
    return confirm_change(DEALS_LIST, query, found, change, confirm=data.get("confirm"), change=apply)


def _delete(delete: Callable[[Session, int, int, int | None], int], stage_id: int, move_to: int | None) -> Response:
    moving = delete(session(), stage_id, expected_version(), move_to)
    return answer(orjson.dumps({"moving": moving}), status=202) if moving else no_content()


def _all_of(listing: Listing, pipeline_id: int | None = None) -> Response:
    """All stages there are, as they are now in order."""
    query = ListQuery(Shape(None, (), listing.default_sort, LARGEST_PAGE, after=False), ())
    if pipeline_id is not None:
        query = query.where("pipeline_id", pipeline_id)
    return answer_page(listing, query, list_page(session(), listing, query))
