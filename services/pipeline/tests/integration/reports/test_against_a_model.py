"""Reports compared with a plain model of them, over deals that were moved, dated and archived at random."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.context import Context, acting_as
from pipeline.queries.reports.histories import report_funnel, report_slippage, report_stage_durations
from pipeline.queries.reports.outcomes import report_cycle, report_loss_reasons, report_velocity, report_win_rate
from pipeline.queries.reports.present import report_deal_pipeline, report_forecast
from pipeline.rules.money import days, money, share
from pipeline.rules.reporting import local_date

CODES = ("prospect", "qualified", "proposal", "negotiation", "closed_won", "closed_lost")
PER_CENT = dict(zip(CODES, (10, 25, 50, 75, 100, 0), strict=True))
OPEN, ON_THE_WAY = CODES[:4], CODES[:5]
KIND = dict.fromkeys(OPEN, "open") | {"closed_won": "won", "closed_lost": "lost"}
ZONE = "America/New_York"
# Twelve hours apart, every other one at midnight where the company is, until the clocks change on the eighth of March:
# few, so that much falls on the borders of windows.
FIRST_TICK = datetime(2026, 2, 26, 5, tzinfo=UTC)
TICKS = 24
DAYS = st.dates(date(2026, 2, 26), date(2026, 3, 10))
RATES = {"EUR": {date(2026, 2, 1): "1.1", date(2026, 3, 1): "1.2345678901"}, "JPY": {date(2026, 3, 3): "0.0065"}}


def at(tick: int) -> datetime:
    return FIRST_TICK + tick * timedelta(hours=12)


@dataclass
class Deal:
    """A deal as it was generated."""

    path: list[tuple[str, int]]
    value: str
    currency: str
    dates: list[tuple[int, date | None]]
    archived: str
    owner: int
    reason: str
    stored: bool
    spans: list[tuple[str, datetime, datetime | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        ends: list[datetime | None] = [at(tick) for _, tick in self.path[1:]]
        self.spans = [(stage, at(tick), end) for (stage, tick), end in zip(self.path, [*ends, None], strict=True)]

    @property
    def stage(self) -> str:
        return self.path[-1][0]

    @property
    def kind(self) -> str:
        return KIND[self.stage]

    @property
    def created(self) -> datetime:
        return at(self.path[0][1])

    @property
    def closed(self) -> datetime:
        return at(self.path[-1][1])

    @property
    def counts(self) -> bool:
        return self.archived == "no" or (self.archived == "with_customer" and self.kind != "open")

    @property
    def is_open(self) -> bool:
        return self.kind == "open" and self.archived == "no"

    def before(self, moment: datetime) -> str | None:
        """The stage that it was in just before a moment."""
        for stage, entered, left in self.spans:
            if entered < moment and (left is None or left >= moment):
                return stage
        return None

    def expected(self, moment: datetime) -> date | None:
        known = [day for tick, day in self.dates if at(tick) < moment]
        return known[-1] if known else None

    def base(self, day: date) -> Fraction | None:
        if self.currency == "USD":
            return Fraction(self.value)
        if self.stored and self.kind != "open":
            return Fraction(self.value) * 2
        held = [rate for since, rate in sorted(RATES.get(self.currency, {}).items()) if since <= day]
        return Fraction(self.value) * Fraction(held[-1]) if held else None


@st.composite
def made_deals(draw: Any) -> Deal:
    ticks = sorted(draw(st.lists(st.integers(0, TICKS), min_size=1, max_size=5, unique=True)))
    path: list[tuple[str, int]] = []
    for tick in ticks:
        allowed = [code for code in CODES if not path or code != path[-1][0]]
        path.append((draw(st.sampled_from(allowed if path else OPEN)), tick))
    dates: list[tuple[int, date | None]] = []
    for tick in sorted(draw(st.lists(st.integers(ticks[0], TICKS), max_size=3, unique=True))):
        day = draw(st.none() | DAYS | DAYS)
        if day != (dates[-1][1] if dates else None):
            dates.append((tick, day))
    return Deal(
        path,
        value=f"{draw(st.integers(0, 10**7)) / 100:.2f}",
        currency=draw(st.sampled_from(["USD", "EUR", "JPY", "GBP"])),
        dates=dates,
        archived=draw(st.sampled_from(["no", "no", "no", "alone", "with_customer"])),
        owner=draw(st.sampled_from([7, 8])),
        reason=draw(st.sampled_from(["Price", "No budget"])),
        stored=draw(st.booleans()),
    )


def keep(books: Any, deal: Deal) -> None:
    more: dict[str, Any] = {"assigned_to": deal.owner}
    if deal.kind == "lost":
        more["loss_reason"] = deal.reason
    if deal.stored and deal.kind != "open" and deal.currency != "USD":
        more |= {"close_rate": "2", "close_rate_base": "USD", "close_rate_date": "2026-01-01"}
    if deal.archived != "no":
        more |= {"archived_at": at(TICKS), "archived_with_customer": deal.archived == "with_customer"}
    if deal.dates:
        more["expected_close_date"] = deal.dates[-1][1]
    path = tuple((stage, at(tick)) for stage, tick in deal.path)
    deal_id = books.deal(
        deal.stage, deal.value, deal.currency, created=deal.created, closed=deal.closed, path=path, **more
    )
    old = None
    for tick, day in deal.dates:
        books.dated(deal_id, at(tick), old, day)
        old = day


def summed(deals: list[Deal], day_of: Any, weight: bool = False) -> str:
    """What the printed sum of these is."""
    total = Fraction(0)
    for deal in deals:
        base = deal.base(day_of(deal))
        total += Fraction(0) if base is None else base * (PER_CENT[deal.stage] if weight else 100) / 100
    return money(Decimal(total.numerator) / Decimal(total.denominator), "USD") if total else "0.00"


def exact(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def spent(spans: list[timedelta]) -> tuple[int, str | None, str | None]:
    """How many, mean and median as they are printed."""
    if not spans:
        return 0, None, None
    seconds = [Fraction(span.days * 86400 + span.seconds) for span in spans]
    return len(spans), days(exact(sum(seconds) / len(seconds))), days(exact(Fraction(median(seconds))))


class Model:
    """The reports by their definitions, without a database."""

    def __init__(self, deals: list[Deal], scope: Any) -> None:
        self.scope = scope
        self.deals = deals
        self.start, self.end = scope.days.start, scope.days.end
        self.until = min(self.end, scope.now)
        self.closed = [
            deal for deal in deals if deal.counts and deal.kind != "open" and self.start <= deal.closed < self.end
        ]
        self.won = [deal for deal in self.closed if deal.kind == "won"]
        self.lost = [deal for deal in self.closed if deal.kind == "lost"]

    def day(self, deal: Deal) -> date:
        return local_date(deal.closed, ZONE)

    def open_before(self, moment: datetime) -> list[Deal]:
        return [deal for deal in self.deals if deal.counts and KIND.get(deal.before(moment) or "") == "open"]

    def due(self) -> dict[str, int]:
        found = Counter({"won": 0, "lost": 0, "slipped": 0, "pending": 0})
        first, last = self.scope.days.first, self.scope.days.last
        for deal in self.open_before(self.start):
            day = deal.expected(self.start)
            if day is not None and first <= day <= last:
                kind = KIND[deal.before(self.until) or ""]
                now = deal.dates[-1][1]
                slipped = self.end <= self.scope.now or now is None or now > last
                found[kind if kind != "open" else "slipped" if slipped else "pending"] += 1
        return dict(found)

    def pushed(self) -> tuple[int, list[int]]:
        last, count, distances = self.scope.days.last, 0, []
        for deal in self.deals:
            for (_, old), (tick, new) in pairwise(deal.dates):
                inside = deal.counts and self.start <= at(tick) < self.end
                if inside and old is not None and old <= last and (new is None or new > last):
                    count += 1
                    distances += [] if new is None else [(new - old).days]
        return count, distances


PROPERTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WINDOWS = st.tuples(DAYS, DAYS).map(sorted)


@PROPERTY
@given(
    deals=st.lists(made_deals(), max_size=20),
    asked=st.tuples(WINDOWS, st.sampled_from([None, None, None, 7]), st.booleans()),
)
def test_reports_are_what_their_definitions_say(new_books, ask, deals, asked):
    days_of, owner, later = asked
    books = new_books(ZONE)
    for currency, rates in RATES.items():
        for since, rate in rates.items():
            books.rate(currency, rate, str(since))
    for deal in deals:
        keep(books, deal)
    now = at(TICKS) + timedelta(days=60 if later else 0, hours=1)
    scope = books.scope(str(days_of[0]), str(days_of[1]), now, assigned_to=owner)
    model = Model([deal for deal in deals if owner in (None, deal.owner)], scope)
    with acting_as(Context(company_id=books.company_id, user_id=7)):
        answers = {report: ask(report, scope) for report in REPORTS}
    for report, hold in REPORTS.items():
        hold(model, answers[report])


def hold_win_rate(model, answer):
    won, lost = model.won, model.lost
    assert (answer["won"]["count"], answer["lost"]["count"]) == (len(won), len(lost))
    assert answer["won"]["value"] == summed(won, model.day)
    assert answer["lost"]["value"] == summed(lost, model.day)
    assert answer["by_count"] == share(len(won), len(won) + len(lost))
    unknown = Counter(deal.currency for deal in won if deal.base(model.day(deal)) is None)
    assert {row["currency"]: row["count"] for row in answer["won"]["unconverted"]} == unknown


def hold_cycle(model, answer):
    found = (answer["count"], answer["mean_days"], answer["median_days"])
    assert found == spent([deal.closed - deal.created for deal in model.won])


def hold_velocity(model, answer):
    over = model.end <= model.scope.now
    now_open = sum(deal.is_open for deal in model.deals)
    assert answer["open_deals"] == (len(model.open_before(model.end)) if over else now_open)
    factors = [answer[name] for name in ("average_won_value", "win_rate", "mean_cycle_days")]
    assert (answer["per_day"] is None) == (None in factors or answer["mean_cycle_days"] == "0.00")


def hold_loss_reasons(model, answer):
    assert {row["loss_reason"]: row["count"] for row in answer["reasons"]} == Counter(d.reason for d in model.lost)
    assert answer["total"]["value"] == summed(model.lost, model.day)


def hold_funnel(model, answer):
    cohort = [deal for deal in model.deals if deal.counts and model.start <= deal.created < model.end]
    entered = [sum(any(code == stage for stage, _ in deal.path) for deal in cohort) for code in ON_THE_WAY]
    reached = [sum(any(stage in ON_THE_WAY[place:] for stage, _ in deal.path) for deal in cohort) for place in range(5)]
    conversion = [share(after, before) for before, after in pairwise(reached)]
    assert [row["entered"] for row in answer["stages"]] == entered
    assert [row["reached"] for row in answer["stages"]] == reached
    assert [row["conversion"] for row in answer["stages"]] == [*conversion, None]
    assert all(text is None or Decimal(text) <= 1 for text in conversion)
    assert (answer["deals"], answer["lost"]) == (len(cohort), sum(deal.kind == "lost" for deal in cohort))


def hold_durations(model, answer):
    for row in answer["stages"]:
        left, still = [], []
        for deal in model.deals:
            for stage, entered, ended in deal.spans:
                if stage == row["code"] and ended is not None and model.start <= ended < model.end and deal.counts:
                    left.append(ended - entered)
                if stage == row["code"] and ended is None and deal.is_open:
                    still.append(model.scope.now - entered)
        for name, spans in (("left", left), ("still", still)):
            assert (row[name]["count"], row[name]["mean_days"], row[name]["median_days"]) == spent(spans)


def hold_slippage(model, answer):
    due = model.due()
    assert {name: answer[name] for name in due} == due
    assert answer["due"] == sum(due.values())
    assert answer["share"] == share(due["slipped"], answer["due"])
    count, distances = model.pushed()
    assert answer["pushes"] == count
    mean = days(exact(Fraction(sum(distances) * 86400, len(distances)))) if distances else None
    assert answer["mean_days_pushed"] == mean


def hold_deal_pipeline(model, answer):
    today = model.scope.today
    for row in answer["stages"]:
        kind = KIND[row["code"]]
        there = [deal for deal in model.deals if deal.is_open] if kind == "open" else model.closed
        there = [deal for deal in there if deal.stage == row["code"]]
        assert row["count"] == len(there)
        assert row["value"] == summed(there, model.day if kind != "open" else lambda _: today)
        assert row["weighted"] == (summed(there, lambda _: today, weight=True) if kind == "open" else None)
    everything = [deal for deal in model.deals if deal.is_open]
    assert answer["open"]["value"] == summed(everything, lambda _: today)
    assert answer["open"]["weighted"] == summed(everything, lambda _: today, weight=True)


def hold_forecast(model, answer):
    today, first, last = model.scope.today, model.scope.days.first, model.scope.days.last

    def place(deal):
        day = deal.dates[-1][1] if deal.dates else None
        if day is None or day < today:
            return "none" if day is None else "overdue"
        return f"{day:%Y-%m}" if first <= day <= last else "outside"

    places = Counter(place(deal) for deal in model.deals if deal.is_open)
    shown = {name: answer[name]["count"] for name in ("overdue", "outside", "none")}
    shown |= {row["month"]: row["count"] for row in answer["months"]}
    assert Counter(shown) == places
    assert answer["total"]["count"] == sum(deal.is_open for deal in model.deals)
    won = Counter(f"{model.day(deal):%Y-%m}" for deal in model.won)
    assert Counter({row["month"]: row["won"]["count"] for row in answer["months"]}) == won
    by_category = Counter()
    for part in (*answer["months"], answer["overdue"], answer["outside"], answer["none"]):
        by_category.update({name: figures["count"] for name, figures in part["by_category"].items()})
    assert by_category.total() == answer["total"]["count"]


REPORTS = {
    report_win_rate: hold_win_rate,
    report_cycle: hold_cycle,
    report_velocity: hold_velocity,
    report_loss_reasons: hold_loss_reasons,
    report_funnel: hold_funnel,
    report_stage_durations: hold_durations,
    report_slippage: hold_slippage,
    report_deal_pipeline: hold_deal_pipeline,
    report_forecast: hold_forecast,
}
