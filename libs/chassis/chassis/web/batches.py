"""Many changes in one request: each succeeds or fails by itself, and each has its own result."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import psycopg
from flask import Response, current_app
from marshmallow import fields

from chassis.db.records import Record
from chassis.db.refusals import expected
from chassis.errors import AppError, TooLarge, UnknownReference
from chassis.web.answers import answer
from chassis.web.problems import describe
from chassis.web.read_through import unasked
from chassis.web.request import session
from chassis.web.schemas import OutSchema

# The records of an answer: each is also read, and written into an event with what it was before.
LARGEST_ANSWER = 8 * 1024 * 1024


class BatchResult(OutSchema):
    """What became of one item: its record, or the problem that it met."""

    status = fields.Integer(required=True, metadata={"description": "As HTTP would have answered to this item alone."})
    record = fields.Dict(allow_none=True)
    problem = fields.Dict()


class BatchOut(OutSchema):
    """The results, in the order of the items."""

    succeeded = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    results = fields.List(fields.Nested(BatchResult), required=True)


def each(items: Sequence[Any], change: Callable[[Any], tuple[int, Record | None]]) -> Response:
    """Run `change` on every item behind a savepoint; it answers the status and the record of its success.

    What an item did before it failed is undone, and the others stand (RFC 4918 calls this a multi-status; ours is 200).
    Where the records are so long that the answer is full, the items that are left fail, and may be sent again.
    Raises UnknownReference, with all that the items miss, while their owners have not been asked.
    """
    missing: frozenset[tuple[str, int]] = frozenset()
    parts: list[bytes] = []
    failed, size = 0, 0
    for item in items:
        try:
            if size > LARGEST_ANSWER:
                raise TooLarge("answer_full", "The records before this one fill the answer; send it again.")
            with session().savepoint():
                status, record = change(item)
            parts.append(b'{"status":%d,"record":%s}' % (status, b"null" if record is None else record.json))
            size += len(parts[-1])
        except (AppError, psycopg.Error) as error:
            failed += 1
            if isinstance(error, UnknownReference):
                missing |= unasked(error)
            conflicts = current_app.service.conflicts  # type: ignore[attr-defined]  # A ServiceApplication.
            refusal = expected(error, conflicts)
            parts.append(b'{"status":%d,"problem":%s}' % (refusal.status, orjson.dumps(describe(refusal))))
    if missing:
        raise UnknownReference("unknown_reference", "Some records are not known here yet.", references=missing)
    results = b",".join(parts)
    return answer(b'{"succeeded":%d,"failed":%d,"results":[%s]}' % (len(items) - failed, failed, results))
