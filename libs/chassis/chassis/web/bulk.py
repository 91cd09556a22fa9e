"""What is done to many records of a kind in one request: batches, changes of all that a filter finds, facets."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import marshmallow
import orjson
from flask import Response
from marshmallow import fields, validate

from chassis.db.facets import count_facets, count_labels
from chassis.db.listing import Listing, ListQuery
from chassis.db.matching import lock_matching, lock_named
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.errors import Conflict, FieldError, Invalid
from chassis.web.answers import answer
from chassis.web.batches import each
from chassis.web.listing import confirmation, confirms, parse_filter
from chassis.web.request import session
from chassis.web.schemas import LARGEST_BATCH, LARGEST_BODY, Id, InSchema, Items, OutSchema, Tags, Text, Version, load

CONFIRMATION_SECONDS = 600
MOST_LABELS = 1000

Change = Callable[[Session, Record, dict[str, Any]], Record]
Expect = Callable[[Session, int, int | None], Record]
Act = Callable[[Session, int, int], Record]
ChangeThese = Callable[[Session, Sequence[Record]], int]
ChangeAll = Callable[[Session, Sequence[Record], dict[str, Any]], int]


@dataclass(frozen=True, eq=False)
class BulkCommands:
    """The commands that change one record of a kind, for who changes many.

    `change` writes values, checked by `patch`, over a record that is locked and as the caller expects it to be, which
    `expect` sees to (`Records.expect` if it is not given). `create` takes the values of a new one, checked by `new`.
    `archive` and the further `actions` take id and version; an archived record is not answered. `question` adds to a
    filter what its conditions need beside their values, such as the present time. `change_all` is there where changing
    many is more than changing each of them; it answers how many had other values.
    """

    listing: Listing
    records: Records
    patch: type[marshmallow.Schema]
    change: Change
    expect: Expect | None = None
    new: type[marshmallow.Schema] | None = None
    create: Callable[[Session, dict[str, Any]], Record] | None = None
    archive: Act | None = None
    actions: Mapping[str, Act] = field(default_factory=dict)
    question: Callable[[ListQuery], ListQuery] | None = None
    change_all: ChangeAll | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The actions of a batch's items."""
        create = () if self.create is None else ("create",)
        archive = () if self.archive is None else ("archive",)
        return (*create, "update", *archive, *self.actions)

    @cached_property
    def batch_in(self) -> type[marshmallow.Schema]:
        """The body of a batch."""
        texts = {"create": "`create` with values", "update": "`update` with id, version and values"}
        doc = "; ".join(texts.get(name, f"`{name}` with id and version") for name in self.names)
        item = _schema(
            f"{self._title}BatchItem",
            f"One change: {doc}.",
            action=fields.String(required=True, validate=[validate.OneOf(self.names)]),
            id=Id(),
            version=Version(),
            values=fields.Dict(),
        )
        return _schema(
            f"{self._title}BatchIn",
            f"Up to {LARGEST_BATCH} changes, each of which succeeds or fails by itself.",
            _LargeIn,
            items=Items(fields.Nested(item), least=1, most=LARGEST_BATCH, required=True),
        )

    @cached_property
    def update_in(self) -> type[marshmallow.Schema]:
        """The body of a change of all that a filter finds."""
        grammar = {"description": "As a list's query: status=lost&city=Bonn"}
        return _schema(
            f"{self._title}BulkUpdateIn",
            "A change of all records that a filter finds. Without `confirm` nothing is changed, and it is counted.",
            filter=Text(longest=2000, shortest=1, required=True, metadata=grammar),
            changes=fields.Nested(self.patch, required=True),
            confirm=Text(longest=500),
        )

    @cached_property
    def schemas(self) -> Mapping[str, marshmallow.Schema]:
        """The schemas that an item's values are checked by, made once."""
        return {"update": self.patch()} | ({} if self.new is None else {"create": self.new()})

    def expected(self, record_id: int, version: int | None) -> Record:
        """The record under its lock, if it is still what the caller has seen."""
        return (self.expect or self.records.expect)(session(), record_id, version)

    @property
    def _title(self) -> str:
        return self.records.noun.title().replace(" ", "")


class _LargeIn(InSchema):
    """A body of many records."""

    largest = LARGEST_BODY


class BulkUpdateOut(OutSchema):
    """How many records the filter finds, the token that confirms just these, and how many were changed."""

    count = fields.Integer(required=True)
    confirm = fields.String(required=True, allow_none=True)
    updated = fields.Integer(required=True)


class TagsIn(InSchema):
    """Tags to add."""

    tags = Tags(required=True)


class TagCount(OutSchema):
    """A tag and how many live records have it."""

    tag = fields.String(required=True)
    count = fields.Integer(required=True)


class TagsOut(OutSchema):
    """The tags of the company."""

    data = fields.List(fields.Nested(TagCount), required=True)


class FacetOut(OutSchema):
    """A value and how many live records have it."""

    value = fields.Raw(required=True, allow_none=True)
    count = fields.Integer(required=True)


def facets_out(listing: Listing, counted: Sequence[str]) -> type[marshmallow.Schema]:
    """The schema of the facets of these columns and of the list's labels."""
    names = (*counted, *listing.labels)
    title = listing.nouns.title().replace(" ", "")
    doc = f"How many live {listing.nouns} there are of each kind, the commonest first."
    return _schema(
        f"{title}FacetsOut",
        doc,
        OutSchema,
        **{name: fields.List(fields.Nested(FacetOut), required=True) for name in names},
    )


def answer_facets(listing: Listing, counted: Sequence[str], **more: list[dict[str, Any]]) -> Response:
    """Count what the list shows by these columns and by its labels; `more` are facets that were counted otherwise."""
    return answer(orjson.dumps({**count_facets(session(), listing, counted), **more}))


def answer_tags(listing: Listing) -> Response:
    """The tags in use, each with the number of records that the list shows that have it."""
    counted = count_labels(session(), listing, "tag", MOST_LABELS)
    return answer(orjson.dumps({"data": [{"tag": row["value"], "count": row["count"]} for row in counted]}))


def change_named(commands: BulkCommands, ids: Iterable[int], values: dict[str, Any]) -> Response:
    """Change the same fields of each of these records, whatever its version; each succeeds or fails by itself."""

    def change(record_id: int) -> tuple[int, Record]:
        return 200, commands.change(session(), commands.expected(record_id, None), values)

    # In the order of their ids, so that two who change the same ones do not wait for each other in a circle.
    return each(sorted(set(ids)), change)


def update_matching(commands: BulkCommands, data: Mapping[str, Any]) -> Response:
    """Change all records that a filter finds, or none: first without `confirm`, to see how many these are."""
    changes = data["changes"]

    def change(session: Session, records: Sequence[Record]) -> int:
        if commands.change_all is not None:
            return commands.change_all(session, records, changes)
        after = [commands.change(session, record, changes) for record in records]
        return sum(new.version != old.version for new, old in zip(after, records, strict=True))

    query = parse_filter(commands.listing, data["filter"])
    written = orjson.dumps(changes, option=orjson.OPT_SORT_KEYS)
    asked = query if commands.question is None else commands.question(query)
    found = lock_matching(session(), commands.listing, commands.records, asked)
    return confirm_change(commands.listing, query, found, written, confirm=data.get("confirm"), change=change)


def confirm_change(
    listing: Listing,
    query: ListQuery,
    found: Sequence[Record],
    written: bytes,
    *,
    confirm: str | None,
    change: ChangeThese,
) -> Response:
    """Change the locked records that `query` has found where `confirm` is of just these, else count them.

    `written` is what the token is bound to besides; `change` answers how many had other values.
    """
    if confirm is None:
        token = confirmation(listing, query, written, found, int(time.time()) + CONFIRMATION_SECONDS)
        return answer(orjson.dumps({"count": len(found), "confirm": token, "updated": 0}))
    if not confirms(listing, query, written, found, confirm):
        now = f"The filter finds {len(found)} {listing.nouns} now"
        raise Conflict("confirmation_outdated", f"{now}, or some have changed since; ask again and confirm that.")
    updated = change(session(), found)
    return answer(orjson.dumps({"count": len(found), "confirm": None, "updated": updated}))


def run_batch(commands: BulkCommands, items: Sequence[Mapping[str, Any]]) -> Response:
    """Do what each item says; each succeeds or fails by itself."""
    named = (item["id"] for item in items if "id" in item and item["action"] != "create")
    lock_named(session(), commands.listing, named)
    return each(items, lambda item: _run(commands, item))


def _run(commands: BulkCommands, item: Mapping[str, Any]) -> tuple[int, Record | None]:
    action = item["action"]
    # What an action has nothing to do with: whoever sends it means something else than would be done.
    strange = [name for name in _strange(action) if name in item]
    if strange:
        faults = tuple(FieldError(f"/{name}", "unknown_field", f"{action} takes none.") for name in strange)
        raise Invalid("validation_failed", f"{action} takes no {' and no '.join(strange)}.", faults)
    if action == "create" and commands.create is not None:
        return 201, commands.create(session(), load(commands.schemas["create"], item.get("values")))
    if missing := [name for name in ("id", "version") if name not in item]:
        faults = tuple(FieldError(f"/{name}", "required", "Missing data for required field.") for name in missing)
        raise Invalid("validation_failed", f"{action} needs id and version.", faults)
    record_id, version = item["id"], item["version"]
    if action == "update":
        values = load(commands.schemas["update"], item.get("values"))
        return 200, commands.change(session(), commands.expected(record_id, version), values)
    if action == "archive" and commands.archive is not None:
        commands.archive(session(), record_id, version)
        return 204, None
    return 200, commands.actions[action](session(), record_id, version)


def _strange(action: str) -> tuple[str, ...]:
    if action == "create":
        return ("id", "version")
    return () if action == "update" else ("values",)


def _schema(
    name: str, doc: str, base: type[marshmallow.Schema] = InSchema, **members: marshmallow.fields.Field[Any]
) -> type[marshmallow.Schema]:
    return type(name, (base,), {"__doc__": doc, **members})
