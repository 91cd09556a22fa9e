"""The HTTP routes of the names of a company's members."""

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint
from chassis.web.listing import answer_page
from chassis.web.request import session
from identity.queries.directory import NAMES
from identity.schemas.users import MemberNameOut

blueprint = Blueprint("members", __name__, url_prefix="/v1/members", description="Who the company's members are.")


@blueprint.route("", methods=["GET"])
@require("members:read")
@blueprint.listing(NAMES, MemberNameOut)
def list_members(query: ListQuery) -> Response:
    """List the names of the company's members, whether they still work for it or not."""
    return answer_page(NAMES, query, list_page(session(), NAMES, query))
