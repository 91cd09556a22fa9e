"""The HTTP routes of companies."""

from typing import Any

from flask import Response

from chassis.context import current
from chassis.db.listing import ListQuery
from chassis.web.answers import answer, expected_version
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from identity.commands import companies as commands
from identity.queries import companies as queries
from identity.schemas.companies import CompanyOut, CompanyPatch, CompanySummaryOut

PLATFORM = "platform:companies"

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
