"""The HTTP routes of the audit service."""

from flask import Response

from audit import queries
from audit.schemas import AuditLogOut
from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint
from chassis.web.listing import answer_page
from chassis.web.request import session

blueprint = Blueprint(
    "audit_logs", __name__, url_prefix="/v1/audit-logs", description="Every change that was made in a company."
)


@blueprint.route("", methods=["GET"])
@require("audit:read")
@blueprint.listing(queries.AUDIT_LOGS, AuditLogOut)
def list_audit_logs(query: ListQuery) -> Response:
    """List changes, newest first."""
    return answer_page(queries.AUDIT_LOGS, query, list_page(session(), queries.AUDIT_LOGS, query))


BLUEPRINTS = (blueprint,)
