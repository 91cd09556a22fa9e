"""The worked example of the reports, to the cent: what `docs/reports.md` explains."""

from datetime import date

import pytest

from pipeline.queries.reports.histories import report_funnel
from pipeline.queries.reports.outcomes import report_cycle, report_velocity, report_win_rate
from pipeline.queries.reports.present import report_deal_pipeline, report_forecast
from pipeline.rules.reporting import local_date

FIRST_QUARTER = ("2026-01-01", "2026-03-31")


@pytest.fixture
def example(books):
    for rate, valid_on in (("1.10", "2026-01-01"), ("1.20", "2026-02-01"), ("1.05", "2026-03-01")):
        books.rate("EUR", rate, valid_on)
    books.rate("JPY", "0.0065", "2026-01-01")
    books.deal("prospect", "1000.00", "USD", created="2025-12-01T00:00")
    books.deal("qualified", "2000.50", "EUR", created="2025-12-01T00:00")
    books.deal("proposal", "333.33", "USD", created="2025-12-01T00:00")
    books.deal("negotiation", "100000", "JPY", created="2025-12-01T00:00", probability=80, probability_source="manual")
    books.deal("proposal", "500.00", "GBP", created="2025-12-01T00:00")
    return books


@pytest.fixture
def closed(example):
    example.deal(
        "closed_won",
        "1200.00",
        "EUR",
        created="2026-01-11T12:00",
        closed="2026-02-10T12:00",
        close_rate="1.20",
        close_rate_base="USD",
        close_rate_date="2026-02-01",
    )
    example.deal("closed_won", "800.00", created="2026-03-01T00:00", closed="2026-03-05T12:00")
    example.deal("closed_won", "100.00", created="2026-03-02T00:00", closed="2026-03-08T00:00")
    example.deal("closed_lost", "500.00", created="2026-01-02T00:00", closed="2026-03-09T00:00")
    return example


def test_open_deals_by_stage(example, ask):
    report = ask(report_deal_pipeline, example.scope("2026-03-01", "2026-03-31"))
    rows = {row["stage_name"]: (row["count"], row["value"], row["weighted"]) for row in report["stages"]}
    assert rows == {
        "prospect": (1, "1000.00", "100.00"),
        "qualified": (1, "2100.52", "525.13"),
        "proposal": (2, "333.33", "166.66"),
        "negotiation": (1, "650.00", "520.00"),
        "closed_won": (0, "0.00", None),
        "closed_lost": (0, "0.00", None),
    }
    assert [row["stage_name"] for row in report["stages"]] == list(rows)
    total = report["open"]
    assert (total["count"], total["value"], total["weighted"]) == (5, "4083.86", "1311.80")
    assert total["unconverted"] == [{"currency": "GBP", "count": 1, "value": "500.00"}]
    proposal = report["stages"][2]
    assert proposal["unconverted"] == total["unconverted"]
    assert {"currency": "JPY", "count": 1, "value": "100000.00"} in total["values"]
    assert report["rates"] == [
        {"currency": "EUR", "rate": "1.0500000000", "valid_on": "2026-03-01"},
        {"currency": "JPY", "rate": "0.0065000000", "valid_on": "2026-01-01"},
    ]
    assert (report["currency"], report["time_zone"], report["visibility"]) == ("USD", "America/New_York", "all")


def test_the_rate_of_the_closing_stays_whatever_march_brings(closed, ask):
    report = ask(report_win_rate, closed.scope(*FIRST_QUARTER))
    assert (report["won"]["count"], report["won"]["value"]) == (3, "2340.00")
    assert (report["lost"]["count"], report["lost"]["value"]) == (1, "500.00")
    assert (report["by_count"], report["by_value"]) == ("0.7500", "0.8239")
    assert report["rates"] == [{"currency": "EUR", "rate": "1.2000000000", "valid_on": "2026-02-01"}]


def test_cycle(closed, ask):
    report = ask(report_cycle, closed.scope(*FIRST_QUARTER))
    assert (report["count"], report["mean_days"], report["median_days"]) == (3, "13.50", "6.00")


def test_velocity(closed, ask):
    report = ask(report_velocity, closed.scope(*FIRST_QUARTER))
    assert report["open_deals"] == 5
    assert report["average_won_value"] == "780.00"
    assert report["win_rate"] == "0.7500"
    assert report["mean_cycle_days"] == "13.50"
    assert report["per_day"] == "216.67"


def test_funnel(books, ask):
    created = "2026-01-05T00:00"
    days = [f"2026-01-{day:02}T00:00" for day in range(5, 12)]
    ways = (
        ("prospect", "qualified", "proposal", "closed_won"),
        ("prospect", "proposal"),
        ("qualified", "closed_lost"),
        ("prospect",),
    )
    for way in ways:
        books.deal(way[-1], "100.00", created=created, path=tuple(zip(way, days, strict=False)))
    report = ask(report_funnel, books.scope(*FIRST_QUARTER))
    assert [row["entered"] for row in report["stages"]] == [3, 2, 2, 0, 1]
    assert [row["reached"] for row in report["stages"]] == [4, 3, 2, 1, 1]
    assert [row["conversion"] for row in report["stages"]] == ["0.7500", "0.6667", "0.5000", "1.0000", None]
    assert (report["deals"], report["lost"]) == (4, 1)


def test_a_deal_won_on_the_last_evening_of_the_zone_is_in_the_window(books, ask):
    won = "2026-04-01T03:30"
    books.deal("closed_won", "10.00", created="2026-03-01T00:00", closed=won)
    inside = ask(report_win_rate, books.scope(*FIRST_QUARTER, now="2026-05-01T00:00"))
    after = ask(report_win_rate, books.scope("2026-04-01", "2026-04-30", now="2026-05-01T00:00"))
    assert (inside["won"]["count"], after["won"]["count"]) == (1, 0)
    forecast = ask(report_forecast, books.scope(*FIRST_QUARTER, now="2026-05-01T00:00"))
    assert [month["won"]["count"] for month in forecast["months"]] == [0, 0, 1]


def test_the_example_is_of_the_fifteenth_of_march(example):
    assert example.scope(*FIRST_QUARTER).today == date(2026, 3, 15)
    assert local_date(example.scope(*FIRST_QUARTER, now="2026-03-15T03:59").now, example.zone) == date(2026, 3, 14)
