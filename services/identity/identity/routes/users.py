"""The HTTP routes of a company's members."""

from typing import Any

from flask import Response

from chassis.context import tenant
from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, expected_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, versioned
from chassis.web.listing import answer_page
from chassis.web.read_through import answer_of, answers_of
from chassis.web.request import session
from identity.commands import member_purges, member_status, members
from identity.queries import directory
from identity.queries import member_purges as queries
from identity.routes.purges import MEMBERS, answer_purge
from identity.schemas.purges import PurgeIn, PurgeOut
from identity.schemas.users import DeactivationIn, MemberOut, MemberPatch

# Who holds records of members, and is done with a purge when none of them names the member any more.
PURGING = ("customers", "pipeline", "tasks")

blueprint = Blueprint("users", __name__, url_prefix="/v1/users", description="The members of the company.")


@blueprint.route("", methods=["GET"])
@require("users:read")
@blueprint.listing(directory.MEMBERS, MemberOut)
def list_users(query: ListQuery) -> Response:
    """List the members of the company, whatever their status."""
    return answer_page(directory.MEMBERS, query, list_page(session(), directory.MEMBERS, query))


@blueprint.route("/<id:user_id>", methods=["GET"])
@require("users:read")
@blueprint.response(200, MemberOut)
def get_user(user_id: int) -> Response:
    """Get a member of the company."""
    return _entry(user_id)


@blueprint.route("/<id:user_id>", methods=["PATCH"])
@require("account:write")
@versioned
@blueprint.arguments(MemberPatch)
@blueprint.response(200, MemberOut)
def update_user(values: dict[str, Any], user_id: int) -> Response:
    """Change one's own profile; with users:write, the role, permissions and profile of others too."""
    members.update_member(session(), user_id, expected_version(), values)
    return _entry(user_id)


@blueprint.route("/<id:user_id>", methods=["DELETE"])
@require("users:write")
@versioned
@blueprint.response(204)
def remove_user(user_id: int) -> Response:
    """Remove a member who has another company from this one."""
    member_status.remove_member(session(), user_id, expected_version())
    return no_content()


@blueprint.route("/<id:user_id>/suspend", methods=["POST"])
@require("users:write")
@blueprint.response(200, MemberOut)
def suspend_user(user_id: int) -> Response:
    """Sign a member out at once and keep them out; their records stay theirs."""
    member_status.suspend_member(session(), user_id)
    return _entry(user_id)


@blueprint.route("/<id:user_id>/activate", methods=["POST"])
@require("users:write")
@blueprint.response(200, MemberOut)
def activate_user(user_id: int) -> Response:
    """Let a suspended or deactivated member work again."""
    member_status.activate_member(session(), user_id)
    return _entry(user_id)


@blueprint.route("/<id:user_id>/deactivate", methods=["POST"])
@require("users:write")
@blueprint.arguments(DeactivationIn)
@blueprint.response(200, MemberOut)
def deactivate_user(values: dict[str, Any], user_id: int) -> Response:
    """Sign a member out for good and give their records to others."""
    member_status.deactivate_member(session(), user_id, values["transfer"])
    return _entry(user_id)


@blueprint.route("/<id:user_id>/purge", methods=["POST"])
@require("users:purge")
@versioned
@blueprint.arguments(PurgeIn)
@blueprint.response(204)
def purge_user(values: dict[str, Any], user_id: int) -> Response:
    """Remove a deactivated member for good, with all that is known of them; their records go to `transfer_to`."""
    member = member_purges.lock_purgeable(session(), user_id, expected_version(), values["transfer_to"])
    if values["transfer_to"] is None:
        # What is refused anyway is refused before anybody is asked.
        found = answer_of("tasks", f"/internal/open-tasks/{tenant()}", {"user_id": user_id}, ("open_tasks",))
        member_purges.refuse_open_tasks(found["open_tasks"])
    member_purges.purge_member(session(), member, **values)
    return no_content()


@blueprint.route("/<id:user_id>/purge", methods=["GET"])
@require("users:purge")
@blueprint.response(200, PurgeOut)
def get_purge(user_id: int) -> Response:
    """Get how far the purge of a former member is: what each service says that holds records of members."""
    purge = queries.get_purge(session(), user_id)
    query = {"event_id": purge.pop("event_id")}
    found = answers_of(PURGING, f"/internal/user-purges/{tenant()}", query, MEMBERS)
    return answer_purge(purge, found)


def _entry(user_id: int) -> Response:
    entry = directory.get_entry(session(), user_id)
    return answer(entry.json, version=entry.version)
