"""What the lists of leads and of deals share."""

from flask import Response

from chassis.db.listing import Listing, ListQuery
from chassis.db.pages import list_page
from chassis.errors import BadRequest, FieldError
from chassis.web.listing import answer_page
from chassis.web.request import session
from pipeline.commands.setup import ensure_setup


def answer_list(listing: Listing, query: ListQuery) -> Response:
    """A page. Raises BadRequest for an order by position over several columns."""
    refuse_positions(query)
    return answer_page(listing, query, list_page(session(), listing, query))


def answer_settings(listing: Listing, query: ListQuery) -> Response:
    """A page of what every company begins with, which is made where nobody has looked yet."""
    page = list_page(session(), listing, query)
    if page.data == b"[]":
        ensure_setup(session())
        page = list_page(session(), listing, query)
    return answer_page(listing, query, page)


def refuse_positions(query: ListQuery) -> None:
    """Raise BadRequest for an order by position without the one column that it is in."""
    by_position = any(name == "position" for name, _ in query.shape.sort)
    if by_position and ("stage_id", "eq") not in query.shape.conditions:
        detail = "position is the order in one stage; filter by stage_id."
        raise BadRequest("invalid_query", detail, (FieldError("sort", "needs_stage", detail),))
