"""What other services are told of members and companies when no event has told them."""

from flask import Response

from chassis.references.owned import Owned
from chassis.web.answers import answer
from chassis.web.internal import ReferencesOut, after, internal, internal_blueprint, limit
from chassis.web.request import session
from identity.queries import references
from identity.views import USER_COMPANY

# Other services know members by the user's id.
blueprint = internal_blueprint(members=Owned(USER_COMPANY, key="user_id"))


@blueprint.route("/companies", methods=["GET"])
@blueprint.response(200, ReferencesOut)
@internal
def list_companies() -> Response:
    """List all companies by id, `limit` at a time, from behind the id `after`."""
    return answer(references.list_companies(session(), after(), limit()))
