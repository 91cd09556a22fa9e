"""Boards: the columns of a pipeline, or of leads, each with its first cards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from chassis.db.listing import LARGEST_PAGE, Listing, ListQuery, Page, Shape
from chassis.db.pages import list_page
from chassis.db.session import Session
from pipeline.queries.cards import LEADS, Cards
from pipeline.queries.stages import DEAL_STAGE_LIST, LEAD_STAGE_LIST, is_empty

_BY_POSITION = (("position", False),)
# As much as the largest page of a list. A board has up to a hundred columns of a hundred cards, each with long texts.
LARGEST_BOARD = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Column:
    """A stage with the first of its cards; without a stage those that have none, which the API never makes."""

    stage: dict[str, Any] | None
    query: ListQuery
    page: Page


def list_columns(
    session: Session, cards: Cards, query: ListQuery, limit: int, pipeline_id: int | None = None
) -> Iterator[Column]:
    """A column for every stage that is active or has live records, in order, with the cards that `query` asks for.

    Each is a page of the list of its stage, and goes on as that does. Where the texts of cards are so long that a board
    would become too large for a process to have several in hand, the columns that remain have one card.
    """
    size = 0
    for stage in stage_documents(session, cards, pipeline_id):
        if stage["is_active"] or not is_empty(session, cards, stage["id"]):
            of_stage = _shaped(query, limit if size < LARGEST_BOARD else 1).where("stage_id", stage["id"])
            page = list_page(session, cards.listing, of_stage)
            size += len(page.data)
            yield Column(stage, of_stage, page)
    if cards is LEADS:
        shaped = _shaped(query, limit if size < LARGEST_BOARD else 1)
        nowhere = replace(
            shaped,
            shape=replace(shaped.shape, conditions=(*shaped.shape.conditions, ("stage_id", "is_null"))),
            values=(*shaped.values, True),
        )
        page = list_page(session, cards.listing, nowhere)
        if page.data != b"[]":
            yield Column(None, nowhere, page)


def stage_documents(session: Session, cards: Cards, pipeline_id: int | None = None) -> Sequence[dict[str, Any]]:
    """The stages of leads, or of a pipeline, in order, as they are answered."""
    listing: Listing = LEAD_STAGE_LIST if cards is LEADS else DEAL_STAGE_LIST
    query = ListQuery(Shape(None, (), listing.default_sort, LARGEST_PAGE, after=False), ())
    if pipeline_id is not None:
        query = query.where("pipeline_id", pipeline_id)
    documents: list[dict[str, Any]] = orjson.loads(list_page(session, listing, query).data)
    return documents


def _shaped(query: ListQuery, limit: int) -> ListQuery:
    return replace(query, shape=replace(query.shape, sort=_BY_POSITION, limit=limit, after=False), total=False)
