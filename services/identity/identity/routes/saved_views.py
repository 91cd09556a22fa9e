"""The HTTP routes of saved views, and of how somebody likes what they look at."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.web.answers import answer, created, expected_version, given_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from identity.commands import preferences
from identity.commands import saved_views as commands
from identity.queries import saved_views as queries
from identity.queries.preferences import show_preferences
from identity.schemas.preferences import PreferencesOut, PreferencesPatch
from identity.schemas.saved_views import SavedViewIn, SavedViewOut, SavedViewPatch

blueprint = Blueprint("views", __name__, url_prefix="/v1", description="What people look at daily, and how.")


@blueprint.route("/views", methods=["POST"])
@require("account:write")
@blueprint.arguments(SavedViewIn)
@blueprint.response(201, SavedViewOut)
def save_view(values: dict[str, Any]) -> Response:
    """Save a view for oneself or, with the permission `views:share`, for all of the company."""
    view = commands.save_view(session(), values)
    return created(view.json, version=view.version, location=f"/v1/views/{view.id}")


@blueprint.route("/views", methods=["GET"])
@require("account:read")
@blueprint.listing(queries.VIEWS, SavedViewOut)
def list_views(query: ListQuery) -> Response:
    """List one's own saved views and those that are shared, by name."""
    return answer_page(queries.VIEWS, query, queries.list_views(session(), query))


@blueprint.route("/views/<id:view_id>", methods=["GET"])
@require("account:read")
@blueprint.response(200, SavedViewOut)
def get_view(view_id: int) -> Response:
    """Get a saved view: one's own, or one that is shared."""
    view = queries.get_view(session(), view_id)
    return answer(view.json, version=view.version)


@blueprint.route("/views/<id:view_id>", methods=["PATCH"])
@require("account:write")
@versioned
@blueprint.arguments(SavedViewPatch)
@blueprint.response(200, SavedViewOut)
def change_view(values: dict[str, Any], view_id: int) -> Response:
    """Change a saved view; one that is shared, or is to be, takes the permission `views:share`."""
    view = commands.change_view(session(), view_id, expected_version(), values)
    return answer(view.json, version=view.version)


@blueprint.route("/views/<id:view_id>", methods=["DELETE"])
@require("account:write")
@versioned
@blueprint.response(204)
def delete_view(view_id: int) -> Response:
    """Delete a saved view; one that is shared takes the permission `views:share`."""
    commands.delete_view(session(), view_id, expected_version())
    return no_content()


@blueprint.route("/preferences", methods=["GET"])
@require("account:read")
@blueprint.response(200, PreferencesOut)
def get_preferences() -> Response:
    """Get how one likes what one looks at in this company."""
    document, version = show_preferences(session())
    return answer(document, version=version)


@blueprint.route("/preferences", methods=["PATCH"])
@require("account:write")
@heeds_version
@blueprint.arguments(PreferencesPatch)
@blueprint.response(200, PreferencesOut)
def change_preferences(data: dict[str, Any]) -> Response:
    """Change some of one's settings; null forgets one, and the others stay."""
    changed = preferences.change_preferences(session(), given_version(), data["settings"])
    return answer(changed.json, version=changed.version)
