"""The HTTP routes of companies."""

from typing import Any

from flask import Response

from chassis.context import current
from chassis.db.listing import ListQuery
from chassis.web.answers import accepted, answer, expected_version
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, versioned
from chassis.web.internal import of_company
from chassis.web.listing import answer_page
from chassis.web.read_through import answers_of
from chassis.web.request import session
from identity.commands import companies as commands
from identity.commands import company_purges as commands_of_purges
from identity.commands import passwords
from identity.queries import companies as queries
from identity.queries import company_purges as queries_of_purges
from identity.routes.authority import authority, refused
from identity.routes.purges import MEMBERS, answer_purge
from identity.schemas.companies import CompanyOut, CompanyPatch, CompanySummaryOut
from identity.schemas.purges import CompanyPurgeIn, CompanyPurgeOut

PLATFORM = "platform:companies"
# Who has anything of a company, beside identity.
HOLDING = ("customers", "pipeline", "tasks", "audit")

blueprint = Blueprint(
    "companies", __name__, url_prefix="/v1/companies", description="Companies, and one's own above all."
)


@blueprint.route("", methods=["GET"])
@require("account:read")
@blueprint.listing(queries.COMPANIES, CompanySummaryOut)
def list_companies(query: ListQuery) -> Response:
    """List the caller's companies; for operators of the platform, all companies."""
    page = queries.list_companies(session(), query, everything=PLATFORM in current().permissions)
    return answer_page(queries.COMPANIES, query, page)


@blueprint.route("/current", methods=["GET"])
@require("companies:read")
@blueprint.response(200, CompanyOut)
def get_company() -> Response:
    """Get the company that the caller works for now."""
    company = queries.get_company(session())
    return answer(company.json, version=company.version)


@blueprint.route("/current", methods=["PATCH"])
@require("companies:write")
@versioned
@blueprint.arguments(CompanyPatch)
@blueprint.response(200, CompanyOut)
def update_company(values: dict[str, Any]) -> Response:
    """Change some fields and settings of the company."""
    company = commands.update_company(session(), expected_version(), values)
    return answer(company.json, version=company.version)


@blueprint.route("/current/purge", methods=["POST"])
@require(commands_of_purges.PURGE)
@versioned
@blueprint.arguments(CompanyPurgeIn)
@blueprint.response(202)
def purge_company(values: dict[str, Any]) -> Response:
    """Remove the company for good: nobody gets in any more, and every service deletes all that it has of it."""
    user_id, version = current().user_id, expected_version()
    assert user_id is not None
    commands_of_purges.refuse_purging(session())
    if passwords.confirm_password(session(), authority(), user_id, values["current_password"]) is None:
        return refused(passwords.wrong_password())
    commands_of_purges.purge_company(session(), version, values["name"])
    return accepted()


@blueprint.route("/<id:company_id>/purge", methods=["GET"])
@require(PLATFORM)
@blueprint.response(200, CompanyPurgeOut)
def get_company_purge(company_id: int) -> Response:
    """Get how far the purge of a company is: what each service says."""
    with of_company(company_id):
        purge = queries_of_purges.get_purge(session())
    own = purge.pop("own")
    return answer_purge(
        purge, {"identity": own} | answers_of(HOLDING, f"/internal/company-purges/{company_id}", {}, MEMBERS)
    )


@blueprint.route("/<id:company_id>/suspend", methods=["POST"])
@require(PLATFORM)
@blueprint.response(200, CompanyOut)
def suspend_company(company_id: int) -> Response:
    """Suspend a company: none of its tokens is good until it is activated."""
    company = commands.suspend_company(session(), company_id)
    return answer(company.json, version=company.version)


@blueprint.route("/<id:company_id>/activate", methods=["POST"])
@require(PLATFORM)
@blueprint.response(200, CompanyOut)
def activate_company(company_id: int) -> Response:
    """Let a company work again."""
    company = commands.activate_company(session(), company_id)
    return answer(company.json, version=company.version)
