"""The routes of pipelines and of loss reasons."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.web.answers import answer, created, expected_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, versioned
from chassis.web.request import session
from pipeline.commands import pipelines as commands
from pipeline.queries.pipelines import LOSS_REASON_LIST, LOSS_REASONS, PIPELINE_LIST, PIPELINES
from pipeline.routes.lists import answer_settings
from pipeline.schemas.stages import (
    LossReasonIn,
    LossReasonOut,
    LossReasonPatch,
    PipelineIn,
    PipelineOut,
    PipelinePatch,
)

blueprint = Blueprint("pipelines", __name__, url_prefix="/v1", description="Pipelines, and why deals are lost.")


@blueprint.route("/pipelines", methods=["GET"])
@require("deals:read")
@blueprint.listing(PIPELINE_LIST, PipelineOut)
def list_pipelines(query: ListQuery) -> Response:
    """List pipelines, in order, without the archived ones."""
    return answer_settings(PIPELINE_LIST, query)


@blueprint.route("/pipelines", methods=["POST"])
@require("pipelines:write")
@blueprint.arguments(PipelineIn)
@blueprint.response(201, PipelineOut)
def create_pipeline(values: dict[str, Any]) -> Response:
    """Create a pipeline, with the stages that every company begins with."""
    pipeline = commands.create_pipeline(session(), values)
    return created(pipeline.json, version=pipeline.version, location=f"/v1/pipelines/{pipeline.id}")


@blueprint.route("/pipelines/<id:pipeline_id>", methods=["GET"])
@require("deals:read")
@blueprint.response(200, PipelineOut)
def get_pipeline(pipeline_id: int) -> Response:
    """Get a pipeline, archived or not."""
    pipeline = PIPELINES.get(session(), pipeline_id)
    return answer(pipeline.json, version=pipeline.version)


@blueprint.route("/pipelines/<id:pipeline_id>", methods=["PATCH"])
@require("pipelines:write")
@versioned
@blueprint.arguments(PipelinePatch)
@blueprint.response(200, PipelineOut)
def update_pipeline(values: dict[str, Any], pipeline_id: int) -> Response:
    """Change some fields of a pipeline; another default takes it from the one before."""
    pipeline = commands.update_pipeline(session(), pipeline_id, expected_version(), values)
    return answer(pipeline.json, version=pipeline.version)


@blueprint.route("/pipelines/<id:pipeline_id>", methods=["DELETE"])
@require("pipelines:write")
@versioned
@blueprint.response(204)
def archive_pipeline(pipeline_id: int) -> Response:
    """Archive a pipeline without open deals; its closed ones stay on it."""
    commands.archive_pipeline(session(), pipeline_id, expected_version())
    return no_content()


@blueprint.route("/loss-reasons", methods=["GET"])
@require("deals:read")
@blueprint.listing(LOSS_REASON_LIST, LossReasonOut)
def list_loss_reasons(query: ListQuery) -> Response:
    """List the reasons that deals and leads are lost for, in order."""
    return answer_settings(LOSS_REASON_LIST, query)


@blueprint.route("/loss-reasons", methods=["POST"])
@require("pipelines:write")
@blueprint.arguments(LossReasonIn)
@blueprint.response(201, LossReasonOut)
def create_loss_reason(values: dict[str, Any]) -> Response:
    """Add a loss reason, behind the others."""
    reason = commands.create_loss_reason(session(), values)
    return created(reason.json, version=reason.version, location=f"/v1/loss-reasons/{reason.id}")


@blueprint.route("/loss-reasons/<id:reason_id>", methods=["GET"])
@require("deals:read")
@blueprint.response(200, LossReasonOut)
def get_loss_reason(reason_id: int) -> Response:
    """Get a loss reason."""
    reason = LOSS_REASONS.get(session(), reason_id)
    return answer(reason.json, version=reason.version)


@blueprint.route("/loss-reasons/<id:reason_id>", methods=["PATCH"])
@require("pipelines:write")
@versioned
@blueprint.arguments(LossReasonPatch)
@blueprint.response(200, LossReasonOut)
def update_loss_reason(values: dict[str, Any], reason_id: int) -> Response:
    """Change a loss reason; what was lost for it keeps the text of its moment."""
    reason = commands.update_loss_reason(session(), reason_id, expected_version(), values)
    return answer(reason.json, version=reason.version)


@blueprint.route("/loss-reasons/<id:reason_id>", methods=["DELETE"])
@require("pipelines:write")
@versioned
@blueprint.response(204)
def delete_loss_reason(reason_id: int) -> Response:
    """Delete a loss reason that nothing was lost for."""
    commands.delete_loss_reason(session(), reason_id, expected_version())
    return no_content()
