"""Where a card comes to lie in a column; the column is locked meanwhile."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, Select, bindparam, column, func, select, update

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import FieldError, Invalid
from pipeline.queries.cards import Cards
from pipeline.rules import positions

_ID = bindparam("of_id", type_=BigInteger())
_STAGE = bindparam("of_stage", type_=BigInteger())
_CARD = bindparam("of_card", type_=BigInteger())
_POSITION = bindparam("of_position", type_=BigInteger())
_MOST = bindparam("most", type_=Integer())


class Place(NamedTuple):
    """A card's place in its column: in this order, whatever the number is that two may share."""

    position: int
    id: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is locked, without the card that is moved."""

    cards: Cards
    stage_id: int
    card_id: int

    @property
    def given(self) -> dict[str, int]:
        """What names it in statements."""
        return {"of_stage": self.stage_id, "of_card": self.card_id}


class Wishes(NamedTuple):
    """The neighbours that a card is to lie between: behind the one, before the other."""

    after_id: int | None = None
    before_id: int | None = None


def find_place(
    session: Session, cards: Cards, stage_id: int, card: Place, wishes: Wishes, *, inside: bool
) -> int | None:
    """The position of a card between the neighbours that are wished for; None where it lies there already.

    Wishes, because somebody may have moved a neighbour meanwhile: one that is not in the column any more is passed
    over, and where both are and are no longer adjacent, the one before counts. `inside` says that the card is in this
    column now. Raises Invalid for a neighbour that the caller may not see or that never was.
    """
    lies_in = Column(cards, stage_id, card.id)
    after = _neighbour(session, lies_in, wishes.after_id, "/after_id")
    before = _neighbour(session, lies_in, wishes.before_id, "/before_id")
    above: Place | None
    below: Place | None
    if after is not None:
        above, below = after, _beside(session, lies_in, after, up=False)
    elif before is not None:
        above, below = _beside(session, lies_in, before, up=True), before
    else:
        above, below = None, _first(session, lies_in)
    if inside and (above is None or above < card) and (below is None or card < below):
        return None
    position = positions.between(above and above.position, below and below.position)
    return _make_room(session, lies_in, above, below) if position is None else position


def place_of(session: Session, cards: Cards, card_id: int) -> Place:
    """Where a locked card lies."""
    [(position,)] = session.fetch(_position(cards), of_id=card_id)
    return Place(position, card_id)


def _neighbour(session: Session, lies_in: Column, neighbour_id: int | None, pointer: str) -> Place | None:
    """A neighbour, if it is in the column still. A card is none of its own."""
    if neighbour_id is None:
        return None
    own = current().own_only
    seen = _seen(lies_in.cards, own)
    row = session.fetch_one(seen, of_id=neighbour_id, **({"actor": current().user_id} if own else {}))
    if row is None:
        noun = lies_in.cards.records.noun
        detail = f"There is no such {noun} to lie beside."
        raise Invalid("unknown_neighbour", detail, (FieldError(pointer, "unknown_reference", detail),))
    position, stage_id, live = row
    is_beside = stage_id == lies_in.stage_id and live and neighbour_id != lies_in.card_id
    return Place(position, neighbour_id) if is_beside else None


def _make_room(session: Session, lies_in: Column, above: Place | None, below: Place | None) -> int:
    """Spread the smallest window of cards about the gap that has room for them all, and answer the place in it.

    The order stays as it is, so that this raises no version and tells nobody.
    """
    window = positions.SMALLEST_WINDOW
    while True:
        half = window // 2
        upper = [] if above is None else _walk(session, lies_in, above, half, up=True)
        lower = [] if below is None else _walk(session, lies_in, below, half, up=False)
        over = upper[half].position if len(upper) > half else None
        under = lower[half].position if len(lower) > half else None
        over_ids = [place.id for place in reversed(upper[:half])]
        under_ids = [place.id for place in lower[:half]]
        found = positions.spread(len(over_ids) + len(under_ids) + 1, over, under)
        if found is not None:
            rest = [*found[: len(over_ids)], *found[len(over_ids) + 1 :]]
            session.run(_spread(lies_in.cards), ids=[*over_ids, *under_ids], positions=rest)
            return found[len(over_ids)]
        window *= 2


def _walk(session: Session, lies_in: Column, begin: Place, half: int, *, up: bool) -> list[Place]:
    """The card `begin` and those that follow, up or down the column, and one more than half a window has."""
    statement = _from(lies_in.cards, up=up, inclusive=True)
    rows = session.fetch(statement, **lies_in.given, of_position=begin.position, of_id=begin.id, most=half + 1)
    return [Place(*row) for row in rows]


def _beside(session: Session, lies_in: Column, place: Place, *, up: bool) -> Place | None:
    """The next card, up or down the column."""
    statement = _from(lies_in.cards, up=up, inclusive=False)
    row = session.fetch_one(statement, **lies_in.given, of_position=place.position, of_id=place.id, most=1)
    return None if row is None else Place(*row)


def _first(session: Session, lies_in: Column) -> Place | None:
    row = session.fetch_one(_top(lies_in.cards), **lies_in.given)
    return None if row is None else Place(*row)


def _column(cards: Cards) -> Select[Any]:
    """The cards of a column but the one that is moved."""
    table = cards.table
    return select(table.c.position, table.c.id).where(
        of_tenant(table), table.c.stage_id == _STAGE, table.c.archived_at.is_(None), table.c.id != _CARD
    )


@lru_cache(maxsize=4)
def _position(cards: Cards) -> Prepared:
    return Prepared(select(cards.table.c.position).where(of_tenant(cards.table), cards.table.c.id == _ID))


@lru_cache(maxsize=8)
def _seen(cards: Cards, own: bool) -> Prepared:
    table, records = cards.table, cards.records
    mine: list[ColumnElement[bool]] = [records.own] if own and records.own is not None else []
    shown = select(table.c.position, table.c.stage_id, table.c.archived_at.is_(None))
    return Prepared(shown.where(of_tenant(table), table.c.id == _ID, *mine))


@lru_cache(maxsize=4)
def _top(cards: Cards) -> Prepared:
    return Prepared(_column(cards).order_by(cards.table.c.position, cards.table.c.id).limit(1))


@lru_cache(maxsize=8)
def _from(cards: Cards, *, up: bool, inclusive: bool) -> Prepared:
    table = cards.table
    key, begin = func.row(table.c.position, table.c.id), func.row(_POSITION, _ID)
    if up:
        beyond = key <= begin if inclusive else key < begin
        order = (table.c.position.desc(), table.c.id.desc())
    else:
        beyond = key >= begin if inclusive else key > begin
        order = (table.c.position.asc(), table.c.id.asc())
    return Prepared(_column(cards).where(beyond).order_by(*order).limit(_MOST))


@lru_cache(maxsize=4)
def _spread(cards: Cards) -> Prepared:
    table = cards.table
    given = func.unnest(
        bindparam("ids", type_=ARRAY(BigInteger)), bindparam("positions", type_=ARRAY(BigInteger))
    ).table_valued(column("id", BigInteger), column("position", BigInteger), name="v")
    given = given.render_derived()
    moved = update(table).where(of_tenant(table), table.c.id == given.c.id)
    return Prepared(moved.values(position=given.c.position))
