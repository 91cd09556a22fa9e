"""A pipeline filled row by row, so that reports are asked about days that are over."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from chassis.context import Context
from chassis.db.session import Session
from pipeline.queries.reports.scope import Scope
from pipeline.rules.reporting import Window, local_date

STAGES = (
    ("prospect", "open", 10, "pipeline"),
    ("qualified", "open", 25, "pipeline"),
    ("proposal", "open", 50, "best_case"),
    ("negotiation", "open", 75, "commit"),
    ("closed_won", "won", 100, "closed"),
    ("closed_lost", "lost", 0, "omitted"),
)


def instant(text: str | datetime) -> datetime:
    """2026-03-01T12:00 as an instant in UTC."""
    return text if isinstance(text, datetime) else datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Books:
    """The tables of one company, written to as a superuser."""

    connection: psycopg.Connection
    company_id: int
    base: str
    zone: str
    pipeline_id: int = 0
    stages: dict[str, int] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> int:
        """Insert a row of the company; answers its id."""
        values["company_id"] = self.company_id
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        )
        row = self.connection.execute(statement, values).fetchone()
        assert row is not None
        return int(row[0])

    def run(self, statement: str, **values: Any) -> None:
        """Run a statement that has company_id among its parameters."""
        self.connection.execute(statement, {"company_id": self.company_id, **values})

    def found(self) -> None:
        """The company with the pipeline, the stages and a customer that each has."""
        self.run(
            "INSERT INTO company_refs (company_id, version, default_currency, time_zone)"
            " VALUES (%(company_id)s, 1, %(base)s, %(zone)s)",
            base=self.base,
            zone=self.zone,
        )
        for user_id in (7, 8):
            self.run(
                "INSERT INTO user_refs (company_id, user_id) VALUES (%(company_id)s, %(user_id)s)", user_id=user_id
            )
        self.customer(1)
        self.pipeline_id = self.pipeline("Sales", is_default=True)

    def customer(self, customer_id: int) -> None:
        self.run(
            "INSERT INTO customer_refs (company_id, customer_id, version) VALUES (%(company_id)s, %(customer_id)s, 1)",
            customer_id=customer_id,
        )

    def pipeline(self, name: str, **values: Any) -> int:
        pipeline_id = self.add("pipelines", name=name, **values)
        for order, (code, kind, probability, category) in enumerate(STAGES, 1):
            stage_id = self.add(
                "deal_stages",
                pipeline_id=pipeline_id,
                code=code,
                name=code,
                kind=kind,
                probability=probability,
                forecast_category=category,
                order_index=order,
            )
            self.stages.setdefault(code, stage_id)
        return pipeline_id

    def rate(self, currency: str, rate: str, valid_on: str, base: str | None = None) -> int:
        return self.add(
            "exchange_rates", currency=currency, base_currency=base or self.base, rate=rate, valid_on=valid_on
        )

    def deal(
        self,
        stage: str,
        value: str,
        currency: str = "USD",
        *,
        created: str | datetime = "2026-01-01T00:00",
        closed: str | datetime | None = None,
        path: tuple[tuple[str, str], ...] = (),
        **more: Any,
    ) -> int:
        """A deal, and the rows of its history: at `path`, stages with the moment of entering, unless it is created there."""
        code, kind, probability, _ = next(row for row in STAGES if row[0] == stage)
        stage_id = self.stages[stage]
        values: dict[str, Any] = {
            "deal_name": stage,
            "customer_id": 1,
            "deal_value": value,
            "currency": currency,
            "pipeline_id": self.pipeline_id,
            "stage_id": stage_id,
            "stage": code,
            "status": kind,
            "probability": probability,
            "created_at": instant(created),
        }
        if kind != "open":
            moment = instant(closed or "2026-02-01T12:00")
            values |= {"closed_at": moment, "actual_close_date": local_date(moment, self.zone)}
        if kind == "lost":
            values["loss_reason"] = "Price"
        deal_id = self.add("deals", **values | more)
        rows = list(path) or [(stage, str(created))]
        if not path and kind != "open":
            rows = [("prospect", str(created)), (stage, str(closed or "2026-02-01T12:00"))]
        self.history(deal_id, *rows)
        return deal_id

    def history(self, deal_id: int, *rows: tuple[str, str], administrative: bool = False) -> None:
        """The stages that a deal went through; each row is left when the next is entered."""
        for place, (stage, entered) in enumerate(rows):
            _, kind, _, _ = next(row for row in STAGES if row[0] == stage)
            self.add(
                "stage_history",
                deal_id=deal_id,
                pipeline_id=self.pipeline_id,
                to_stage_id=self.stages[stage],
                to_code=stage,
                to_name=stage,
                to_kind=kind,
                entered_at=instant(entered),
                left_at=instant(rows[place + 1][1]) if place + 1 < len(rows) else None,
                currency="USD",
                status=kind,
                administrative=administrative,
            )

    def dated(self, deal_id: int, changed: str, old: str | None, new: str | None) -> None:
        self.add("close_date_history", deal_id=deal_id, changed_at=instant(changed), old_date=old, new_date=new)

    def scope(self, first: str, last: str, now: str | datetime = "2026-03-15T12:00", **narrowed: Any) -> Scope:
        window = Window(date.fromisoformat(first), date.fromisoformat(last), self.zone)
        return Scope(
            base=self.base,
            zone=self.zone,
            now=instant(now),
            pipeline_id=self.pipeline_id,
            window=window,
            narrowed=narrowed,
        )


@pytest.fixture
def books_of(superuser: psycopg.Connection, company_id: int, acting: Context) -> Callable[..., Books]:
    """The books of the test's company, in a currency and a zone."""

    def build(base: str = "USD", zone: str = "America/New_York") -> Books:
        books = Books(superuser, company_id, base, zone)
        books.found()
        return books

    return build


@pytest.fixture
def new_books(superuser: psycopg.Connection, company_id: int) -> Callable[[str], Books]:
    """The books of a company of its own each time, for tests that try many."""
    numbers = itertools.count(company_id * 1000 + 10**12)

    def build(zone: str) -> Books:
        books = Books(superuser, next(numbers), "USD", zone)
        books.found()
        return books

    return build


@pytest.fixture
def books(books_of: Callable[..., Books]) -> Books:
    return books_of()


@pytest.fixture
def ask(session: Session) -> Callable[..., dict[str, Any]]:
    """Ask a report of a scope."""

    def run(report: Callable[[Session, Scope], dict[str, Any]], scope: Scope) -> dict[str, Any]:
        with session.database.session() as reading:
            return report(reading, scope)

    return run
