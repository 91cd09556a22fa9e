"""Leads as the rows of files: by what they are found, which stage they mean, and how they become new ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from chassis.context import current
from chassis.db.bulk import create_many
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.matching_keys import matching_keys
from imports.engine.members import Members
from imports.engine.target import Change, RowOptions, Target
from imports.headers import folded
from imports.proposal import Proposal
from imports.rows import Fault, Outcome, ReadRow
from people.emails import email_key
from pipeline.commands.import_cards import (
    amount_faults,
    begin_histories,
    doubt_stages,
    settle_named,
    stage_faults,
    stages_entered,
)
from pipeline.commands.setup import ensure_setup
from pipeline.events import LEAD_CREATED, LEAD_PURGED, LEAD_UPDATED
from pipeline.models import USERS
from pipeline.queries import stages
from pipeline.queries.cards import LEADS
from pipeline.queries.companies import get_company
from pipeline.queries.imports import converting_among, find_leads, gone_on_with
from pipeline.queries.keys import find_region
from pipeline.queries.leads import RECORDS
from pipeline.rules import probabilities
from pipeline.rules.import_fields import CATALOGUE, CHOICES_OF, KEYS, STATUS_OF
from pipeline.rules.positions import STEP, closed_position
from pipeline.rules.stages import Stage, first_open
from pipeline.views import LEAD

_LONGEST_ID = 19


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of the company: where its numbers are from, what it counts in, and the stages of its leads."""

    region: str | None
    currency: str
    stages: Sequence[Stage]

    def find(self, given: int | str) -> Stage | None:
        """The stage of this id or name, else the first active one for what other systems call so."""
        for stage in self.stages:
            if given == stage.id or (isinstance(given, str) and folded(given) == folded(stage.name)):
                return stage
        status = STATUS_OF.get(folded(given)) if isinstance(given, str) else None
        return next((stage for stage in self.stages if stage.is_active and stage.kind == status), None)


class LeadTarget(Target):
    """Leads. The stage of one that is there stays: a file moves no card."""

    noun = "lead"
    records = RECORDS
    created, updated, purged = LEAD_CREATED, LEAD_UPDATED, LEAD_PURGED
    catalogue = CATALOGUE
    choices = CHOICES_OF
    match_by = KEYS
    needed = ("lead_name", "email", "phone")
    only_new = ("id", "created_at", "closed_at", "stage_id", "loss_reason")
    blank: ClassVar[Mapping[str, Any]] = {**dict.fromkeys(LEAD.columns), "priority": "medium", "status": "new"}

    def around(self, session: Session) -> Surroundings:
        """Where the company's numbers are from, what it counts in and which stages it has."""
        return Surroundings(find_region(session), get_company(session).base, stages.list_stages(session, LEADS))

    def doubt(self, session: Session, proposal: Proposal) -> Proposal:
        """Doubt a column whose samples are no stage at all, in a table of unknown origin.

        A company that begins with a file has its stages from here on.
        """
        if not stages.list_stages(session, LEADS):
            ensure_setup(session)
        around = self.around(session)
        return doubt_stages(proposal, lambda texts: _any_stage(around, texts))

    def add_keys(self, row: ReadRow, around: Surroundings) -> None:
        """Add the keys that leads are found by."""
        row.keys = _keys(row.values, around.region)
        if row.new_values:
            row.new_keys = _keys(row.new_values, around.region)

    def key_of(self, values: Mapping[str, Any], match_by: str) -> Any:
        """What a row's lead is found by."""
        return email_key(values["email"]) if match_by == "email" else values[match_by]

    def find(self, session: Session, match_by: str, keys: Collection[Any]) -> dict[Any, list[tuple[int, bool]]]:
        """The leads with these keys."""
        return find_leads(session, match_by, keys)

    def settle(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> dict[int, list[Fault]]:
        """Put into rows the stages and members that they name."""
        members = Members(session, USERS, rows, "assigned_to")
        faults: dict[int, list[Fault]] = {}
        for row in rows:
            for field in ("stage_id", "assigned_to"):
                given = row.values.get(field)
                if given is not None:
                    found = members.find(given) if field == "assigned_to" else _stage_id(options.around, given)
                    faults.setdefault(row.line, []).extend(settle_named(row, field, options, found))
        return faults

    def lacking(self, row: ReadRow) -> Fault | None:
        """A new lead has a name."""
        if (row.values | row.new_values).get("lead_name") is not None:
            return None
        detail = "A new lead needs a name, an e-mail address or a telephone number."
        return Fault(row.line, "lead_name", "required", detail)

    def refuse_changes(
        self, session: Session, changes: Sequence[Change], options: RowOptions
    ) -> dict[int, list[Fault]]:
        """What was converted stays as it is, and what is being converted does until that is over."""
        converting = converting_among(session, [change.known.id for change in changes if change.known.id > 0])
        faults: dict[int, list[Fault]] = {}
        for change in changes:
            line = change.row.line
            if change.known.document["status"] == "converted":
                faults[line] = [Fault(line, None, "lead_converted", "The lead was converted.")]
            elif change.known.id in converting:
                faults[line] = [Fault(line, None, "lead_converting", "The lead is being converted.")]
            else:
                currency = change.after("currency") or options.around.currency
                amount = change.after("estimated_value")
                faults[line] = amount_faults(change.row, currency, "estimated_value", amount)
        return {line: found for line, found in faults.items() if found}

    def refuse_new(
        self,
        session: Session,
        rows: Sequence[ReadRow],
        options: RowOptions,
        outcome: Outcome,  # noqa: ARG002  # No lead is counted as another's duplicate.
    ) -> dict[int, list[Fault]]:
        """What stands in the way of a new lead: its amount, its stage and when it was lost."""
        wanted = {stage.id for row in rows if (stage := _stage_of(options.around, row.values)) is not None}
        entered = stages_entered(session, LEADS, wanted) if options.writes else wanted
        faults: dict[int, list[Fault]] = {}
        for row in rows:
            values = row.values
            # Rows below may be about this one.
            currency = values["currency"] = values.get("currency") or options.around.currency
            found = amount_faults(row, currency, "estimated_value", values.get("estimated_value"))
            stage = _stage_of(options.around, values)
            of_stage = stage_faults(row, stage, entered, self.noun)
            found += of_stage
            if stage is None or of_stage:
                pass
            elif stage.group != "lost":
                for field in ("closed_at", "loss_reason"):
                    if values.pop(field, None) is not None:
                        row.warn(field, "left_empty", "Only what is lost has this.")
            elif _moment(values, "closed_at", "created_at") < _moment(values, "created_at", "closed_at"):
                detail = "A record does not close before it is created."
                found.append(Fault(row.line, "closed_at", "closed_before_created", detail, values["closed_at"]))
            if found:
                faults[row.line] = found
        return faults

    def new_values(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> list[dict[str, Any]]:
        """The columns of new leads: the first row of the file is the highest card of those that came together."""
        now = stages.clock(session)
        tops: dict[int, tuple[Stage, int]] = {}
        documents: list[dict[str, Any]] = []
        for row in reversed(rows):
            found = _stage_of(options.around, row.values)
            if found is None:  # It was refused before.
                raise LookupError(row.line)
            stage, position = tops.get(found.id) or stages.enter_stage(session, LEADS, found.id)
            tops[found.id] = stage, position - STEP
            documents.append(_new_lead(row, options.around, stage, position, now))
        return documents[::-1]

    def insert(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> list[tuple[int, int]]:
        """Create leads with their events, and begin their histories."""
        USERS.ensure_actor(session)
        documents = self.new_values(session, rows, options)
        created = create_many(session, RECORDS, LEAD_CREATED, documents)
        stage_by_id = {stage.id: stage for stage in options.around.stages}
        begin_histories(session, LEADS, created, documents, stage_by_id)
        return created

    def keys_of_changes(
        self,
        session: Session,  # noqa: ARG002  # The rows have their keys.
        changes: Sequence[Change],
        around: Surroundings,
    ) -> list[dict[str, Any]]:
        """The matching keys that follow from the values of each change."""
        return [
            {name: change.row.keys.get(name) for name in _keys(dict.fromkeys(change.values), around.region)}
            for change in changes
        ]

    def kept_for_others(self, session: Session, ids: Sequence[int]) -> set[int]:
        """Leads that have deals by now, or were converted."""
        return gone_on_with(session, ids)

    def set_back(
        self, session: Session, back: Sequence[tuple[Record, dict[str, Any]]], around: Surroundings
    ) -> list[tuple[Record, dict[str, Any]]]:
        """What was before, with the keys that follow; what was converted stays, and nothing goes to who is inactive."""
        converting = converting_among(session, [record.id for record, _ in back])
        assignees = {values["assigned_to"] for _, values in back if "assigned_to" in values}
        active = USERS.active_among(session, assignees - {None})
        given = []
        for record, before in back:
            if record.document["status"] == "converted" or record.id in converting:
                continue
            gone = before.get("assigned_to") not in (None, *active)
            values = {name: value for name, value in before.items() if not (gone and name == "assigned_to")}
            if values:
                given.append((record, values | _keys(values, around.region)))
        return given


def _keys(values: Mapping[str, Any], region: str | None) -> dict[str, Any]:
    given = {name: values[name] for name in ("email", "phone") if name in values}
    if "lead_name" in values:
        given["name"] = values["lead_name"]
    keys = matching_keys(given, region)
    keys.pop("name_two", None)
    return keys


def _any_stage(around: Surroundings, texts: Sequence[str]) -> bool:
    return any(
        around.find(int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST_ID else text)
        for text in texts
    )


def _stage_id(around: Surroundings, given: int | str) -> tuple[int | None, str, str]:
    """The stage that a row names; None with a code and a sentence for one that it cannot be in."""
    stage = around.find(given)
    if stage is None:
        return None, "unknown_stage", f"There is no stage {str(given)!r} of leads in this company."
    if stage.group == "converted":
        return None, "conversion_required", "A lead gets into this stage by being converted."
    if not stage.is_active:
        return None, "stage_inactive", f"The stage {stage.name!r} is inactive."
    return stage.id, "", ""


def _stage_of(around: Surroundings, values: Mapping[str, Any]) -> Stage | None:
    """The stage that a new lead is to be in."""
    given = values.get("stage_id")
    return first_open(around.stages) if given is None else around.find(given)


def _moment(values: Mapping[str, Any], name: str, otherwise: str) -> datetime:
    """The moment in a field, else that in the other one; where there is neither, one that is the same both times."""
    given = values.get(name) or values.get(otherwise)
    return datetime.max.replace(tzinfo=UTC) if given is None else datetime.fromisoformat(given)


def _new_lead(row: ReadRow, around: Surroundings, stage: Stage, position: int, now: datetime) -> dict[str, Any]:
    values = {name: value for name, value in row.values.items() if name != "id"}
    # What is only known to have been lost by then was there by then.
    created_at = values.get("created_at") or values.get("closed_at") or now.isoformat()
    values |= row.keys | {
        "currency": values.get("currency") or around.currency,
        "stage_id": stage.id,
        "status": stage.kind,
        "position": position,
        "created_by": current().user_id,
        "created_at": created_at,
        "stage_entered_at": created_at,
        **probabilities.on_creation(stage, None),
    }
    if stage.group == "lost":
        closed_at = values.setdefault("closed_at", now.isoformat())
        values["position"] = closed_position(int(datetime.fromisoformat(closed_at).timestamp() * 1e6))
    return values
