"""Deals as the rows of files: by what they are found, whom they are with, and how they become new ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from chassis.context import current
from chassis.db.bulk import change_many, create_many
from chassis.db.records import Record
from chassis.db.session import Database, Session
from chassis.errors import Invalid
from chassis.references.asking import References
from imports.engine.lifecycle import UPDATE
from imports.engine.members import Members
from imports.engine.target import Change, RowOptions, Target
from imports.headers import folded
from imports.proposal import Proposal
from imports.rows import Fault, Outcome, ReadRow
from pipeline.commands.histories import note_close_dates
from pipeline.commands.import_cards import (
    amount_faults,
    begin_histories,
    doubt_stages,
    settle_named,
    stage_faults,
    stages_entered,
)
from pipeline.commands.import_customers import ask_for_customers
from pipeline.commands.setup import ensure_setup
from pipeline.events import DEAL_CREATED, DEAL_PURGED, DEAL_UPDATED
from pipeline.models import CUSTOMERS, USERS
from pipeline.queries import stages
from pipeline.queries.cards import DEALS
from pipeline.queries.companies import Company, get_company
from pipeline.queries.deals import RECORDS
from pipeline.queries.exchange_rates import find_rates
from pipeline.queries.imports import find_deals, list_pipelines, list_reasons
from pipeline.rules import probabilities
from pipeline.rules.deal_import_fields import CATALOGUE, CHOICES_OF, KEYS, OF_CUSTOMER
from pipeline.rules.imported_closings import Closing, closing_of
from pipeline.rules.imported_stages import Pipeline, Place, Stages
from pipeline.rules.positions import STEP, closed_position
from pipeline.rules.reporting import local_date
from pipeline.rules.requirements import refuse_incomplete
from pipeline.rules.stages import Stage
from pipeline.views import DEAL

UNSAID_REASON = "Not stated"
_OF_OPEN = ("probability", "expected_close_date")
_OF_STAGE = ("pipeline_id", "stage_id", "status")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of the company: what it counts in and where its days begin, its stages, and why it loses deals."""

    company: Company
    stages: Stages
    reasons: Mapping[str, tuple[int, str]]

    @property
    def by_id(self) -> dict[int, Stage]:
        return {stage.id: stage for stage in self.stages.stages}


class DealTarget(Target):
    """Deals. One that is there stays in its stage and with its customer: a file moves no card."""

    noun = "deal"
    records = RECORDS
    created, updated, purged = DEAL_CREATED, DEAL_UPDATED, DEAL_PURGED
    catalogue = CATALOGUE
    choices = CHOICES_OF
    match_by = KEYS
    needed = ("deal_name",)
    asks = CUSTOMERS.owner
    only_new = ("id", "created_at", "closed_at", "loss_reason", "last_open_stage_id", *_OF_STAGE, *OF_CUSTOMER)
    blank: ClassVar[Mapping[str, Any]] = {
        **dict.fromkeys(DEAL.columns),
        "deal_value": "0",
        "probability": 0,
        "probability_source": "stage",
    }

    def ask(self, database: Database, references: References, rows: Sequence[ReadRow]) -> Any:
        """Ask customers whom the rows are with."""
        return ask_for_customers(database, references, rows)

    def around(self, session: Session) -> Surroundings:
        """What the company counts in, its stages and its loss reasons."""
        reasons = {folded(name): (reason_id, name) for name, reason_id in list_reasons(session).items()}
        pipelines = [Pipeline(*row) for row in list_pipelines(session)]
        return Surroundings(get_company(session), Stages(pipelines, stages.list_stages(session, DEALS)), reasons)

    def doubt(self, session: Session, proposal: Proposal) -> Proposal:
        """Doubt a column whose samples are no stage at all, in a table of unknown origin.

        A company that begins with a file has its stages from here on.
        """
        if not list_pipelines(session):
            ensure_setup(session)
        return doubt_stages(proposal, self.around(session).stages.names_any)

    def find(self, session: Session, match_by: str, keys: Collection[Any]) -> dict[Any, list[tuple[int, bool]]]:
        """The deals with these keys."""
        return find_deals(session, match_by, keys)

    def settle(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> dict[int, list[Fault]]:
        """Put into rows the members, the stages and the customers that they name.

        It may be done again: a row that has been settled names nothing by its words any more.
        """
        members = Members(session, USERS, rows, "assigned_to")
        faults: dict[int, list[Fault]] = {}
        for row in rows:
            if (given := row.values.get("assigned_to")) is not None:
                faults[row.line] = list(settle_named(row, "assigned_to", options, members.find(given)))
            if options.mode != UPDATE:
                _settle_customer(row, options)
                _settle_stage(row, options)
        return faults

    def lacking(self, row: ReadRow) -> Fault | None:
        """A new deal has a name and a customer."""
        if row.values.get("deal_name") is None:
            return Fault(row.line, "deal_name", "required", "A new deal needs a name.")
        told = {fault.field for fault in (*row.faults, *row.late)}
        if row.values.get("customer_id") is None and not told.intersection(OF_CUSTOMER):
            detail = "The row does not say whom the deal is with: by the customer's code, name, website, address or id."
            return Fault(row.line, "company_name", "required", detail)
        return None

    def differing(self, values: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
        """What is otherwise; a probability that a file says is nobody's but its own."""
        found = super().differing(values, document)
        if "probability" in found and document["probability_source"] != "manual":
            found["probability_source"] = "manual"
        return found

    def refuse_changes(
        self,
        session: Session,  # noqa: ARG002  # What there is to know of deals is in them.
        changes: Sequence[Change],
        options: RowOptions,
    ) -> dict[int, list[Fault]]:
        """What is closed is certain, and a deal of this name may be another customer's."""
        faults: dict[int, list[Fault]] = {}
        for change in changes:
            line, document = change.row.line, change.known.document
            currency = change.after("currency") or options.around.company.base
            found = amount_faults(change.row, currency, "deal_value", change.after("deal_value"))
            closed = [name for name in _OF_OPEN if name in change.values and document["status"] in ("won", "lost")]
            found += [Fault(line, name, "deal_closed", "The deal is closed; reopen it first.") for name in closed]
            customer_id = change.row.values.get("customer_id")
            if options.match_by == "deal_name" and customer_id not in (None, document["customer_id"]):
                detail = f"The deal of this name is with customer {document['customer_id']}."
                found.append(Fault(line, "deal_name", "customer_mismatch", detail, change.row.values["deal_name"]))
            faults[line] = found
        return {line: found for line, found in faults.items() if found}

    def refuse_new(
        self,
        session: Session,
        rows: Sequence[ReadRow],
        options: RowOptions,
        outcome: Outcome,  # noqa: ARG002  # No deal is counted as another's duplicate.
    ) -> dict[int, list[Fault]]:
        """What stands in the way of a new deal: its customer, its amount, its stage and when it closed."""
        around, now = options.around, stages.clock(session)
        by_id = around.by_id
        wanted = {row.values["stage_id"] for row in rows if not row.faults}
        entered = stages_entered(session, DEALS, wanted) if options.writes else wanted
        live = _live_customers(session, rows) if options.writes else None
        faults: dict[int, list[Fault]] = {}
        for row in rows:
            if row.faults:
                continue
            values = row.values
            if live is not None and values["customer_id"] not in live:
                detail = "The customer was archived, merged or removed meanwhile."
                faults[row.line] = [Fault(row.line, "company_name", "customer_archived", detail)]
                continue
            if "deal_value" not in values:
                values["deal_value"] = "0"
                row.warn(
                    "deal_value", "left_empty", "The row has no value: the deal is worth 0 until somebody says more."
                )
            stage = by_id[values["stage_id"]]
            _fill(values, stage, around)
            found = amount_faults(row, values["currency"], "deal_value", values["deal_value"])
            found += stage_faults(row, stage, entered, self.noun) or _incomplete(row, stage)
            found += _closing_faults(row, stage, around, now)
            if found:
                faults[row.line] = found
        return faults

    def new_values(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> list[dict[str, Any]]:
        """The columns of new deals: the first row of the file is the highest card of those that came together."""
        around, now = options.around, stages.clock(session)
        tops: dict[int, tuple[Stage, int]] = {}
        documents: list[dict[str, Any]] = []
        for row in reversed(rows):
            stage_id = row.values["stage_id"]
            stage, position = tops.get(stage_id) or stages.enter_stage(session, DEALS, stage_id)
            tops[stage_id] = stage, position - STEP
            documents.append(_new_deal(row, around, stage, position, now))
        closed = [document for document in documents if document["status"] != "open"]
        _add_rates(session, around.company.base, closed)
        return documents[::-1]

    def insert(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> list[tuple[int, int]]:
        """Create deals with their events, and begin their histories."""
        USERS.ensure_actor(session)
        documents = self.new_values(session, rows, options)
        created = create_many(session, RECORDS, DEAL_CREATED, documents)
        begin_histories(session, DEALS, created, documents, options.around.by_id)
        expected = [
            (deal_id, None, deal["expected_close_date"], deal["created_at"])
            for (deal_id, _), deal in zip(created, documents, strict=True)
            if deal["status"] == "open" and deal.get("expected_close_date") is not None
        ]
        note_close_dates(session, expected)
        return created

    def write(self, session: Session, changes: Sequence[tuple[Record, Mapping[str, Any]]]) -> dict[int, Record]:
        """Change deals: what is closed gets the rate of its new currency, and new expectations are noted."""
        pairs = [(record, dict(values)) for record, values in changes]
        closed = []
        for record, values in pairs:
            if "currency" in values and record.document["status"] != "open":
                values["actual_close_date"] = record.document["actual_close_date"]
                closed.append(values)
        _add_rates(session, get_company(session).base, closed)
        after = change_many(session, RECORDS, DEAL_UPDATED, pairs)
        note_close_dates(
            session,
            [
                (record.id, record.document["expected_close_date"], values["expected_close_date"], None)
                for record, values in pairs
                if "expected_close_date" in values and record.document["status"] == "open"
            ],
        )
        return after

    def set_back(
        self,
        session: Session,
        back: Sequence[tuple[Record, dict[str, Any]]],
        around: Surroundings,  # noqa: ARG002  # A hook.
    ) -> list[tuple[Record, dict[str, Any]]]:
        """What was before; what has closed since stays certain, and nothing goes to who is inactive."""
        assignees = {values["assigned_to"] for _, values in back if "assigned_to" in values}
        active = USERS.active_among(session, assignees - {None})
        given = []
        for record, before in back:
            stay = set() if record.document["status"] == "open" else {*_OF_OPEN, "probability_source"}
            if before.get("assigned_to") not in (None, *active):
                stay.add("assigned_to")
            values = {name: value for name, value in before.items() if name not in stay}
            if values:
                given.append((record, values))
        return given


def _settle_customer(row: ReadRow, options: RowOptions) -> None:
    answer = options.told.get(row.line)
    if answer is None or not row.values.keys() & set(OF_CUSTOMER):
        return
    given = row.values.get(answer.field or "")
    for name in OF_CUSTOMER:
        row.values.pop(name, None)
    if answer.customer_id is not None:
        row.values["customer_id"] = answer.customer_id
    else:
        shown = None if given is None else str(given)
        row.late.append(Fault(row.line, answer.field, str(answer.code), str(answer.detail), shown))


def _settle_stage(row: ReadRow, options: RowOptions) -> None:
    """Where the deal is to be; of what is unknown and may be left empty the rest decides."""
    values = row.values
    while True:
        found = options.around.stages.find(*(values.get(name) for name in _OF_STAGE))
        if isinstance(found, Place):
            values |= {"stage_id": found.stage.id, "status": found.stage.kind}
            values["pipeline_id"] = found.stage.pipeline_id
            if found.before is not None:
                values["last_open_stage_id"] = found.before.id
            return
        given = values.pop(found.field, None) if found.field else None
        if given is None or not options.empties:
            shown = None if given is None else str(given)
            row.late.append(Fault(row.line, found.field, found.code, found.sentence, shown))
            return
        row.warn(found.field, "left_empty", found.sentence, str(given))


def _live_customers(session: Session, rows: Sequence[ReadRow]) -> set[int]:
    """Those of the rows' customers that are live, which whatever archives them waits for."""
    found = CUSTOMERS.find(session, {row.values["customer_id"] for row in rows if not row.faults})
    return {number for number, known in found.items() if known["archived_at"] is None and known["merged_into"] is None}


def _incomplete(row: ReadRow, stage: Stage) -> list[Fault]:
    try:
        refuse_incomplete(stage, row.values)
    except Invalid as error:
        return [Fault(row.line, one.pointer[1:], one.code, one.detail) for one in error.errors]
    return []


def _closing_faults(row: ReadRow, stage: Stage, around: Surroundings, now: datetime) -> list[Fault]:
    """What is wrong with how a deal is to have closed; what does not belong to its stage is left out."""
    values = row.values
    of_others = {"open": ("closed_at", "loss_reason"), "won": ("loss_reason",)}.get(stage.group, ())
    for field in of_others:
        if values.pop(field, None) is not None:
            row.warn(field, "left_empty", f"This says nothing of a deal that is {stage.group}.")
    if stage.group == "open":
        return []
    closing = closing_of(values, around.company.zone, now)
    if closing.fault is not None:
        return [Fault(row.line, "closed_at", "closed_before_created", closing.fault, str(values["closed_at"]))]
    if closing.remark is not None:
        row.warn("closed_at", "closing_supposed", closing.remark)
    if stage.group == "lost" and values.get("loss_reason") is None:
        row.warn(
            "loss_reason", "left_empty", f"The row does not say why the deal was lost; it says {UNSAID_REASON!r} now."
        )
    return []


def _fill(values: dict[str, Any], stage: Stage, around: Surroundings) -> None:
    """What a new deal has where its row says nothing; rows below may be about it."""
    values["currency"] = values.get("currency") or around.company.base
    if "probability_source" not in values:
        likely = probabilities.on_creation(stage, values.get("probability"))
        values |= likely | {"probability": likely["probability"] or 0}


def _new_deal(row: ReadRow, around: Surroundings, stage: Stage, position: int, now: datetime) -> dict[str, Any]:
    values = {name: value for name, value in row.values.items() if name != "id"}
    closing = None if stage.group == "open" else closing_of(values, around.company.zone, now)
    created_at = closing.created_at.isoformat() if closing else values.get("created_at") or now.isoformat()
    values |= {
        "pipeline_id": stage.pipeline_id,
        "stage": stage.code,
        "status": stage.kind,
        "position": position,
        "created_by": current().user_id,
        "created_at": created_at,
        "stage_entered_at": created_at,
    }
    return values if closing is None else values | _closed(values, around, stage, closing)


def _closed(values: Mapping[str, Any], around: Surroundings, stage: Stage, closing: Closing) -> dict[str, Any]:
    """What a deal has that closed, but for the rate of that day."""
    at = closing.closed_at
    found: dict[str, Any] = {
        "closed_at": at.isoformat(),
        "actual_close_date": local_date(at, around.company.zone).isoformat(),
        "closed_by": current().user_id,
        "position": closed_position(int(at.timestamp() * 1e6)),
        "loss_reason": None,
    }
    if (before := values.get("last_open_stage_id")) is not None:
        found["last_open_probability"] = around.by_id[before].probability
    if stage.group == "lost":
        reason = values.get("loss_reason") or UNSAID_REASON
        reason_id, name = around.reasons.get(folded(reason), (None, reason))
        found |= {"loss_reason_id": reason_id, "loss_reason": name}
    return found


def _add_rates(session: Session, base: str, closed: Sequence[dict[str, Any]]) -> None:
    """Add to closed deals what their currencies were worth on the days that they closed, as far as that is known."""
    keys = [(deal["currency"], date.fromisoformat(deal["actual_close_date"])) for deal in closed]
    rates = find_rates(session, base, set(keys))
    for deal, key in zip(closed, keys, strict=True):
        rate, valid_on = rates.get(key, (None, None))
        deal["close_rate"] = None if rate is None else str(rate)
        deal["close_rate_base"] = None if rate is None else base
        deal["close_rate_date"] = None if valid_on is None else valid_on.isoformat()
