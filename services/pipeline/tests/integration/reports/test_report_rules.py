"""The rules of the reports, one by one: what is counted, what is left out, and what there is no figure for."""

import pytest

from chassis.context import Context, acting_as
from pipeline.queries.reports.histories import report_funnel, report_slippage, report_stage_durations
from pipeline.queries.reports.outcomes import report_cycle, report_loss_reasons, report_velocity, report_win_rate
from pipeline.queries.reports.present import report_deal_pipeline, report_forecast, report_lead_pipeline

MARCH = ("2026-03-01", "2026-03-31")
LATER = "2026-05-01T00:00"
LEAD_STAGES = (("New", "new", 5), ("Contacted", "contacted", 10), ("Won", "converted", 100), ("Lost", "lost", 0))
EVERY_DEAL_REPORT = (
    report_deal_pipeline,
    report_forecast,
    report_win_rate,
    report_cycle,
    report_velocity,
    report_funnel,
    report_stage_durations,
    report_slippage,
    report_loss_reasons,
)


def test_of_nothing_there_are_no_figures_and_not_zeros(books, ask):
    scope = books.scope(*MARCH)
    rate = ask(report_win_rate, scope)
    assert (rate["by_count"], rate["by_value"], rate["won"]["value"]) == (None, None, "0.00")
    cycle = ask(report_cycle, scope)
    assert (cycle["count"], cycle["mean_days"], cycle["median_days"]) == (0, None, None)
    velocity = ask(report_velocity, scope)
    factors = ("average_won_value", "win_rate", "mean_cycle_days", "per_day")
    assert [velocity[name] for name in factors] == [None] * 4
    assert velocity["open_deals"] == 0
    assert [row["conversion"] for row in ask(report_funnel, scope)["stages"]] == [None] * 5
    assert ask(report_slippage, scope)["share"] is None
    assert ask(report_loss_reasons, scope)["reasons"] == []


def test_a_deal_won_the_moment_it_was_made_has_no_velocity(books, ask):
    books.deal("closed_won", "10.00", created="2026-03-02T00:00", closed="2026-03-02T00:00")
    velocity = ask(report_velocity, books.scope(*MARCH))
    assert (velocity["mean_cycle_days"], velocity["per_day"]) == ("0.00", None)


def test_a_reopened_deal_counts_by_its_last_closing(books, ask):
    path = (
        ("prospect", "2026-01-01T12:00"),
        ("closed_won", "2026-01-11T12:00"),
        ("proposal", "2026-02-01T12:00"),
        ("closed_won", "2026-03-02T12:00"),
    )
    books.deal("closed_won", "10.00", created=path[0][1], closed=path[-1][1], path=path, reopen_count=1)
    assert ask(report_win_rate, books.scope("2026-01-01", "2026-01-31"))["won"]["count"] == 0
    assert ask(report_cycle, books.scope(*MARCH))["mean_days"] == "60.00"
    # Closed and open again in between: open at the end of February, and at that of January not.
    assert ask(report_velocity, books.scope("2026-02-01", "2026-02-28"))["open_deals"] == 1
    assert ask(report_velocity, books.scope("2026-01-01", "2026-01-31"))["open_deals"] == 0


def test_a_deal_that_is_open_again_is_neither_won_nor_lost(books, ask):
    path = (("prospect", "2026-03-01T12:00"), ("closed_lost", "2026-03-02T12:00"), ("prospect", "2026-03-03T12:00"))
    books.deal("prospect", "10.00", created=path[0][1], path=path, reopen_count=1)
    rate = ask(report_win_rate, books.scope(*MARCH))
    assert (rate["won"]["count"], rate["lost"]["count"]) == (0, 0)


def test_archiving_a_customer_does_not_change_last_quarter(books, ask):
    gone = {"archived_at": "2026-04-01T00:00Z"}
    for archived in ({}, gone, gone | {"archived_with_customer": True}):
        books.deal("closed_won", "10.00", created="2026-03-01T12:00", closed="2026-03-02T12:00", **archived)
        books.deal("closed_lost", "10.00", created="2026-03-01T12:00", closed="2026-03-02T12:00", **archived)
        books.deal("prospect", "10.00", created="2026-03-01T12:00", **archived)
    scope = books.scope(*MARCH, now=LATER)
    assert ask(report_win_rate, scope)["won"]["count"] == 2
    assert ask(report_cycle, scope)["count"] == 2
    assert ask(report_loss_reasons, scope)["total"]["count"] == 2
    assert ask(report_funnel, scope)["deals"] == 5
    pipeline = ask(report_deal_pipeline, scope)
    assert (pipeline["open"]["count"], pipeline["won"]["count"], pipeline["lost"]["count"]) == (1, 2, 2)
    assert ask(report_forecast, scope)["total"]["count"] == 1


def test_an_administrative_row_is_passed_over(books, ask):
    deal = books.deal("prospect", "10.00", created="2026-03-01T12:00", path=(("prospect", "2026-03-01T12:00"),))
    books.run("UPDATE stage_history SET left_at = '2026-03-03T12:00Z' WHERE company_id = %(company_id)s")
    books.history(deal, ("proposal", "2026-03-03T12:00"), administrative=True)
    scope = books.scope(*MARCH)
    assert [row["entered"] for row in ask(report_funnel, scope)["stages"]] == [1, 0, 0, 0, 0]
    durations = {row["code"]: row for row in ask(report_stage_durations, scope)["stages"]}
    assert durations["prospect"]["left"] == {"count": 1, "mean_days": "2.00", "median_days": "2.00"}
    assert durations["proposal"]["still"]["count"] == 0


def test_a_skipped_stage_never_makes_more_than_all(books, ask):
    for path in (("prospect", "closed_won"), ("qualified", "closed_won"), ("proposal", "closed_won")):
        steps = ((path[0], "2026-03-01T12:00"), (path[1], "2026-03-02T12:00"))
        books.deal("closed_won", "10.00", created=steps[0][1], closed=steps[1][1], path=steps)
    rows = ask(report_funnel, books.scope(*MARCH))["stages"]
    assert [row["entered"] for row in rows] == [1, 1, 1, 0, 3]
    assert [row["conversion"] for row in rows] == ["1.0000"] * 4 + [None]


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-31"])
def test_what_is_due_on_the_first_and_on_the_last_day_is_due(books, ask, day):
    deal = books.deal("prospect", "10.00", created="2026-02-01T12:00", expected_close_date=day)
    books.dated(deal, "2026-02-01T12:00", None, day)
    report = ask(report_slippage, books.scope(*MARCH, now=LATER))
    assert (report["due"], report["slipped"], report["share"]) == (1, 1, "1.0000")


def test_a_day_that_was_changed_at_the_start_was_another_before(books, ask):
    """Midnight of the first of March is five o'clock in UTC."""
    deal = books.deal("prospect", "10.00", created="2026-02-01T12:00", expected_close_date="2026-04-20")
    books.dated(deal, "2026-02-01T12:00", None, "2026-03-31")
    books.dated(deal, "2026-03-01T05:00", "2026-03-31", "2026-04-20")
    report = ask(report_slippage, books.scope(*MARCH, now=LATER))
    assert (report["due"], report["slipped"]) == (1, 1)
    assert (report["pushes"], report["mean_days_pushed"]) == (1, "20.00")


def test_a_running_window_has_pending_deals_and_none_that_slipped_before_their_day(books, ask):
    for now_expected in ("2026-03-20", "2026-04-20", None):
        deal = books.deal("prospect", "10.00", created="2026-02-01T12:00", expected_close_date=now_expected)
        books.dated(deal, "2026-02-01T12:00", None, "2026-03-20")
        if now_expected != "2026-03-20":
            books.dated(deal, "2026-03-10T12:00", "2026-03-20", now_expected)
    report = ask(report_slippage, books.scope(*MARCH))
    assert (report["due"], report["slipped"], report["pending"], report["pushes"]) == (3, 2, 1, 2)
    over = ask(report_slippage, books.scope(*MARCH, now=LATER))
    assert (over["slipped"], over["pending"]) == (3, 0)


def test_the_forecast_has_each_open_deal_once(books, ask):
    for day in ("2026-03-14", "2026-03-15", "2026-03-31", "2026-04-01", "2027-01-01", None):
        books.deal("negotiation", "100.00", expected_close_date=day)
    report = ask(report_forecast, books.scope("2026-03-01", "2026-04-30"))
    # Today is not overdue.
    assert [report[name]["count"] for name in ("overdue", "outside", "none")] == [1, 1, 1]
    assert [(row["month"], row["count"], row["weighted"]) for row in report["months"]] == [
        ("2026-03", 2, "150.00"),
        ("2026-04", 1, "75.00"),
    ]
    assert list(report["total"]["by_category"]) == ["commit"]
    assert report["total"]["count"] == 6


def test_a_rate_of_another_base_is_not_used(books, ask):
    books.rate("EUR", "1.5", "2026-03-01")
    books.rate("EUR", "9", "2026-01-01", base="CHF")
    stored = {"close_rate": "9", "close_rate_base": "CHF", "close_rate_date": "2026-01-01"}
    for closed in ("2026-02-20T12:00", "2026-03-02T12:00"):
        books.deal("closed_won", "100.00", "EUR", created="2026-02-01T12:00", closed=closed, **stored)
    report = ask(report_win_rate, books.scope("2026-02-01", "2026-03-31"))
    assert report["won"]["value"] == "150.00"
    assert report["won"]["unconverted"] == [{"currency": "EUR", "count": 1, "value": "100.00"}]
    assert report["won"]["count"] == 2


@pytest.mark.parametrize(("base", "value"), [("JPY", "2.00"), ("KWD", "2.500")])
def test_figures_are_as_fine_as_the_base(books_of, ask, base, value):
    books = books_of(base=base)
    books.rate("USD", "2.5", "2026-01-01")
    books.deal("prospect", "1.00", "USD")
    assert ask(report_deal_pipeline, books.scope(*MARCH))["open"]["value"] == value


def test_each_report_narrows_to_owner_customer_and_source(books, ask):
    books.customer(2)
    lead = books.add("leads", lead_name="Ada", source="web")
    moves = {"created": "2026-03-01T12:00", "closed": "2026-03-02T12:00"}
    books.deal("closed_won", "10.00", **moves, assigned_to=7, lead_id=lead)
    books.deal("closed_won", "10.00", **moves, assigned_to=8)
    books.deal("closed_won", "10.00", **moves, assigned_to=8, customer_id=2)
    counts = {
        name: ask(report_win_rate, books.scope(*MARCH, **{name: value}))["won"]["count"]
        for name, value in (("assigned_to", 8), ("customer_id", 2), ("source", "web"))
    }
    assert counts == {"assigned_to": 2, "customer_id": 1, "source": 1}
    for report in EVERY_DEAL_REPORT:
        answer = ask(report, books.scope(*MARCH, assigned_to=8, customer_id=2, source="web"))
        assert answer["filter"]["source"] == "web"


def test_who_sees_their_own_sees_the_figures_of_these(books, ask):
    moves = {"created": "2026-03-01T12:00", "closed": "2026-03-02T12:00"}
    books.deal("closed_won", "10.00", **moves, assigned_to=7)
    books.deal("closed_won", "10.00", **moves, created_by=7, assigned_to=8)
    books.deal("closed_won", "10.00", **moves, assigned_to=8)
    with acting_as(Context(company_id=books.company_id, user_id=7, own_only=True)):
        answer = ask(report_win_rate, books.scope(*MARCH))
        assert (answer["won"]["count"], answer["visibility"]) == (2, "own")
        for report in EVERY_DEAL_REPORT:
            assert ask(report, books.scope(*MARCH))["visibility"] == "own"


def test_another_company_is_in_no_figure(books, new_books, ask):
    other = new_books("America/New_York")
    other.rate("EUR", "3", "2026-01-01")
    other.deal("closed_won", "10.00", created="2026-03-01T12:00", closed="2026-03-02T12:00")
    books.deal("prospect", "10.00", "EUR")
    other.pipeline_id = books.pipeline_id
    assert ask(report_win_rate, other.scope(*MARCH))["won"]["count"] == 0
    assert ask(report_deal_pipeline, books.scope(*MARCH))["open"]["unconverted"][0]["currency"] == "EUR"


def test_leads_by_stage(books, ask):
    stages = {
        name: books.add("lead_stages", name=name, lead_status=status, probability=probability, order_index=place)
        for place, (name, status, probability) in enumerate(LEAD_STAGES, 1)
    }
    unused = books.add("lead_stages", name="Gone", lead_status="new", order_index=9, is_active=False)
    books.rate("EUR", "1.05", "2026-03-01")

    def lead(stage, status, value, currency="USD", **more):
        closed = "2026-03-01T00:00Z" if status in ("converted", "lost") else None
        books.add(
            "leads",
            lead_name="Ada",
            stage_id=stage,
            status=status,
            estimated_value=value,
            currency=currency,
            closed_at=closed,
            **more,
        )

    lead(stages["New"], "new", "2000.50", "EUR", probability=25, assigned_to=7)
    lead(stages["New"], "new", None, probability=5)
    lead(stages["New"], "new", "10.00", "GBP", probability=5)
    lead(stages["New"], "new", "99.00", archived_at="2026-03-02T00:00Z")
    lead(stages["Won"], "converted", "500.00", probability=100)
    lead(None, "new", "1.00", probability=50)
    report = ask(report_lead_pipeline, books.scope(*MARCH))
    rows = {row["stage_name"]: (row["lead_count"], row["total_value"], row["weighted"]) for row in report["stages"]}
    assert rows == {
        "New": (3, "2100.52", "525.13"),
        "Contacted": (0, "0.00", "0.00"),
        "Won": (1, "500.00", None),
        "Lost": (0, "0.00", None),
        None: (1, "1.00", "0.50"),
    }
    assert unused not in {row["stage_id"] for row in report["stages"]}
    assert report["total"]["unconverted"] == [{"currency": "GBP", "count": 1, "value": "10.00"}]
    mine = ask(report_lead_pipeline, books.scope(*MARCH, assigned_to=7))
    assert [row["lead_count"] for row in mine["stages"]] == [1, 0, 0, 0]


def test_loss_reasons_go_by_their_name_of_now_and_rare_ones_are_summed_up(books, ask):
    reason = books.add("loss_reasons", name="Price")
    moves = {"created": "2026-03-01T12:00", "closed": "2026-03-02T12:00"}
    for text in ("Price", "Price", "Too dear"):
        books.deal("closed_lost", "10.00", **moves, loss_reason_id=reason, loss_reason=text)
    for number in range(101):
        books.deal("closed_lost", "1.00", **moves, loss_reason=f"Text {number}")
    books.run("UPDATE loss_reasons SET name = 'Too expensive' WHERE company_id = %(company_id)s")
    report = ask(report_loss_reasons, books.scope(*MARCH))
    first = report["reasons"][0]
    assert (first["loss_reason_id"], first["name"], first["count"]) == (reason, "Too expensive", 2)
    assert len(report["reasons"]) == 100
    assert (report["others"]["count"], report["others"]["value"]) == (3, "12.00")
    assert (report["total"]["count"], report["total"]["value"]) == (104, "131.00")
