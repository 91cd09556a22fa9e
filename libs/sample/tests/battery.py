"""What the tests over all services need to know of the sample."""

from collections.abc import Mapping
from typing import Any

from chassis.testing.batteries import Battery, Owner


def make(owner: Owner, mark: str) -> Mapping[str, Any]:
    """A shelf with a book on it."""
    shelf = owner.create("/v1/shelves", name=mark, room=mark)
    book = owner.create("/v1/books", shelf_id=shelf["id"], title=mark, notes=mark, tags=[mark])
    return {"book_id": book["id"], "shelf_id": shelf["id"]}


BATTERY = Battery(
    make=make,
    changes={"shelves": {"room": "Mallory"}, "books": {"notes": "Mallory"}},
    of_the_company=frozenset({"/v1/shelves", "/v1/shelves/{shelf_id}"}),
)
