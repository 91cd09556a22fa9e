"""What other services ask for when no event has told them; no gateway leads here, and the services' key opens it."""

import re

from flask import Response, current_app, request

from chassis.errors import BadRequest, Unauthenticated
from chassis.references import MOST_IDS
from chassis.web.answers import answer
from chassis.web.auth import public, shows_key
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from chassis.web.schemas import LARGEST_ID
from identity.queries import references
from identity.routes.authority import secret
from identity.schemas.references import ReferencesOut

MOST = 500
_NUMBER = re.compile(r"[0-9]{1,19}\Z")

blueprint = Blueprint("references", __name__, url_prefix="/internal", description="What other services are told.")


@blueprint.route("/companies", methods=["GET"])
@public
@blueprint.response(200, ReferencesOut)
def list_company_references() -> Response:
    """List all companies by id, `limit` at a time, from behind the id `after`."""
    _refuse_strangers()
    return secret(answer(references.list_companies(session(), _number("after", 0, 0), _limit())))


@blueprint.route("/members/<id:company_id>", methods=["GET"])
@public
@blueprint.response(200, ReferencesOut)
def list_member_references(company_id: int) -> Response:
    """List the members of a company by the user's id, or those of the users `ids` who are members of it.

    Who is no member is left out: a 404 could also come from somewhere that knows nothing of members.
    """
    _refuse_strangers()
    if "ids" in request.args:
        given = request.args["ids"].split(",")
        if len(given) > MOST_IDS:
            raise BadRequest("invalid_query", f"`ids` takes up to {MOST_IDS} ids.")
        ids = [_checked("ids", number, 1) for number in given]
        return secret(answer(references.find_members(session(), company_id, ids)))
    return secret(answer(references.list_members(session(), company_id, _number("after", 0, 0), _limit())))


def _refuse_strangers() -> None:
    """Raise Unauthenticated for all who do not show the services' key, and for everybody where there is none."""
    if not shows_key(request.headers.get("Authorization"), current_app.config["SETTINGS"].service_key):
        raise Unauthenticated(
            "invalid_service_key", "This is for other services.", headers={"WWW-Authenticate": "Bearer"}
        )


def _limit() -> int:
    return min(_number("limit", MOST, 1), MOST)


def _number(name: str, default: int, least: int) -> int:
    given = request.args.get(name)
    return default if given is None else _checked(name, given, least)


def _checked(name: str, given: str, least: int) -> int:
    if not _NUMBER.match(given) or not least <= int(given) <= LARGEST_ID:
        raise BadRequest("invalid_query", f"`{name}` is no such number.")
    return int(given)
