"""What new leads and deals from files have in common: stages that stay while they enter, amounts, histories."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import BigInteger, DateTime, Integer, Numeric, String, column, insert, select

from chassis.context import current
from chassis.db.bulk import json_rows
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared
from chassis.errors import Invalid
from imports.engine.target import RowOptions
from imports.proposal import DOUBTFUL, Proposal
from imports.rows import Fault, ReadRow
from pipeline.models import stage_history
from pipeline.queries import stages
from pipeline.queries.cards import Cards
from pipeline.rules.requirements import refuse_money
from pipeline.rules.stages import Stage

_ENTERED = (
    ("lead_id", BigInteger),
    ("deal_id", BigInteger),
    ("pipeline_id", BigInteger),
    ("to_stage_id", BigInteger),
    ("to_code", String),
    ("to_name", String),
    ("to_kind", String),
    ("entered_at", DateTime(timezone=True)),
    ("moved_by", BigInteger),
    ("value", Numeric(15, 2)),
    ("currency", String),
    ("probability", Integer),
    ("status", String),
)
_names = [name for name, _ in _ENTERED]
_given = json_rows("v", *(column(name, kind) for name, kind in _ENTERED))
_ENTER = Prepared(
    insert(stage_history).from_select(["company_id", *_names], select(TENANT, *(_given.c[name] for name in _names)))
)

Document = Mapping[str, Any]


def doubt_stages(proposal: Proposal, names_any: Callable[[Sequence[str]], bool]) -> Proposal:
    """Doubt a column of stages whose samples name none that there is, in a table of unknown origin."""
    if proposal.profile is not None:
        return proposal
    guesses = {
        name: replace(guess, confidence=DOUBTFUL)
        if guess.field == "stage_id" and guess.column.given and not names_any(guess.column.given)
        else guess
        for name, guess in proposal.guesses.items()
    }
    return replace(proposal, guesses=guesses)


def stages_entered(session: Session, cards: Cards, wanted: Collection[int]) -> set[int]:
    """Those of the stages that cards may enter, which stay so until the transaction ends."""
    found = set()
    for stage_id in sorted(wanted):
        try:
            stage, _ = stages.enter_stage(session, cards, stage_id)
        except Invalid:
            continue
        if stage.is_active:
            found.add(stage_id)
    return found


def stage_faults(row: ReadRow, stage: Stage | None, entered: Collection[int], noun: str) -> list[Fault]:
    """What is wrong with the stage that a new card is to be in, by the time that it enters."""
    if stage is None:
        return [Fault(row.line, "stage_id", "last_stage_of_kind", f"There is no open stage for a new {noun}.")]
    if stage.id not in entered:
        detail = f"The stage {stage.name!r} was deleted or made inactive meanwhile."
        return [Fault(row.line, "stage_id", "stage_inactive", detail, stage.name)]
    return []


def amount_faults(row: ReadRow, currency: str, field: str, amount: Any) -> list[Fault]:
    """What is wrong with a currency, and with an amount in it."""
    try:
        refuse_money(currency, amount, f"/{field}")
    except Invalid as error:
        named = error.errors[0].pointer[1:]
        return [Fault(row.line, named, error.code, error.detail, str(row.values.get(named) or currency))]
    return []


def settle_named(row: ReadRow, field: str, options: RowOptions, found: tuple[int | None, str, str]) -> Iterable[Fault]:
    """Put what a row names in a field into it, or leave it empty, or answer why it is refused."""
    given = row.values[field]
    value, code, sentence = found
    if value is not None:
        row.values[field] = value
        return
    if options.empties and code != "conversion_required":
        del row.values[field]
        row.warn(field, "left_empty", sentence, str(given))
    else:
        yield Fault(row.line, field, code, sentence, str(given))


def begin_histories(
    session: Session,
    cards: Cards,
    created: Sequence[tuple[int, int]],
    documents: Sequence[Document],
    stage_by_id: Mapping[int, Stage],
) -> None:
    """Write the first rows of the histories of new cards, as the database gave them their ids."""
    actor = current().user_id
    histories = []
    for (record_id, _), card in zip(created, documents, strict=True):
        stage = stage_by_id[card["stage_id"]]
        histories.append(
            {
                cards.reference: record_id,
                "pipeline_id": stage.pipeline_id,
                "to_stage_id": stage.id,
                "to_code": stage.code,
                "to_name": stage.name,
                "to_kind": stage.kind,
                "entered_at": card["stage_entered_at"],
                "moved_by": actor,
                "value": card.get(cards.value),
                "currency": card["currency"],
                "probability": card["probability"],
                "status": card["status"],
            }
        )
    session.run(_ENTER, rows=orjson.dumps(histories).decode())
