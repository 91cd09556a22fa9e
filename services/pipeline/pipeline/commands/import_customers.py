"""Whom the deals in files are with: customers that rows name in many ways, asked of the service that knows them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.context import current, tenant
from chassis.db.session import Database
from chassis.references.asking import References
from imports.rows import ReadRow
from pipeline.models import CUSTOMERS
from pipeline.queries.imports import known_customers
from pipeline.rules.deal_import_fields import OF_CUSTOMER

# How many the customers service takes at a time.
_MOST_NAMED = 200
_BY_ID = frozenset(("customer_id",))


@dataclass(frozen=True, slots=True)
class Answer:
    """The customer that a row means; where there is none, by what it was looked for, a code and a sentence."""

    customer_id: int | None
    field: str | None = None
    code: str | None = None
    detail: str | None = None


_UNKNOWN = Answer(None, "customer_id", "customer_not_found", "There is no such customer.")
_ARCHIVED = Answer(None, "customer_id", "customer_archived", "The customer is archived, or merged into another one.")


def ask_for_customers(database: Database, references: References, rows: Iterable[ReadRow]) -> dict[int, Answer]:
    """Whom each row means that says something of a customer, by its line. Raises Unavailable.

    What is known here is not asked for: a row with a customer's id alone. No transaction is open meanwhile.
    """
    named = {row.line: words for row in rows if not row.faults and (words := _words(row.values))}
    told = _ask(references, {_key(words): words for words in named.values() if words.keys() != _BY_ID})
    ids = {words["customer_id"] for words in named.values() if words.keys() == _BY_ID}
    found = ids | {answer.customer_id for answer in told.values() if answer.customer_id is not None}
    live = _known(database, references, found)
    answers = {}
    for line, words in named.items():
        answer = told.get(_key(words))
        if answer is None:
            customer_id: int = words["customer_id"]
            answer = Answer(customer_id) if live.get(customer_id, True) else _ARCHIVED
        if answer.customer_id is not None and answer.customer_id not in live:
            answer = _UNKNOWN
        answers[line] = answer
    return answers


def _words(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in OF_CUSTOMER if values.get(name) is not None}


def _key(words: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(words.items())


def _ask(
    references: References, named: Mapping[tuple[tuple[str, Any], ...], Mapping[str, Any]]
) -> dict[tuple[tuple[str, Any], ...], Answer]:
    keys = list(named)
    actor = {"user_id": current().user_id, "own_only": current().own_only}
    answers: dict[tuple[tuple[str, Any], ...], Answer] = {}
    for start in range(0, len(keys), _MOST_NAMED):
        asked = keys[start : start + _MOST_NAMED]
        body = {"named": [named[key] for key in asked], **actor}
        found: Sequence[Mapping[str, Any]] = references.ask(
            CUSTOMERS.owner, f"/internal/named-customers/{tenant()}", {}, ("found",), body
        )["found"]
        answers |= {key: Answer(**answer) for key, answer in zip(asked, found, strict=True)}
    return answers


def _known(database: Database, references: References, ids: Collection[int]) -> Mapping[int, bool]:
    """Which of the customers are live; of those that no event has told of yet their owner is asked."""
    with database.session() as session:
        known = known_customers(session, ids)
    missing = set(ids) - known.keys()
    if missing and references.can_ask(CUSTOMERS.kind):
        references.fetch((CUSTOMERS.kind, number) for number in missing)
        with database.session() as session:
            known |= known_customers(session, missing)
    return known
