"""Exchange rates: kept, corrected, given to closed deals, and looked up by day."""

from datetime import date
from decimal import Decimal

import pytest

from pipeline.commands.exchange_rates import MOST_APPLIED
from pipeline.queries.exchange_rates import find_rate
from pipeline.queries.reports.outcomes import report_win_rate

RATES = "/v1/exchange-rates"
EURO = {"currency": "EUR", "rate": "1.0850", "valid_on": "2026-03-01"}


def test_a_rate_is_into_the_companys_currency_unless_another_is_named(client, books, told):
    made = client.post(RATES, json=EURO)
    assert made.status_code == 201, made.json
    assert (made.json["base_currency"], made.json["rate"]) == ("USD", "1.0850000000")
    assert made.headers["Location"] == f"{RATES}/{made.json['id']}"
    assert client.post(RATES, json=EURO | {"base_currency": "CHF"}).json["base_currency"] == "CHF"
    assert [event["type"] for event in told()] == ["crm.exchange_rate.created.v1"] * 2


def test_a_day_has_one_rate(client, books, told):
    assert client.post(RATES, json=EURO).status_code == 201
    again = client.post(RATES, json=EURO | {"rate": "2"})
    assert (again.status_code, again.json["code"]) == (409, "rate_exists")
    assert len(told()) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"currency": "DEM"}, "unknown_currency"),
        ({"base_currency": "XTS"}, "unknown_currency"),
        ({"currency": "eur"}, "validation_failed"),
        ({"currency": "USD"}, "validation_failed"),
        ({"rate": "0"}, "validation_failed"),
        ({"rate": "-1"}, "validation_failed"),
        ({"rate": 1.08}, "validation_failed"),
        ({"rate": "1.00000000001"}, "validation_failed"),
        ({"rate": "12345678901"}, "validation_failed"),
        ({"valid_on": "2026-W01-1"}, "validation_failed"),
        ({"valid_on": "9999-12-31"}, "validation_failed"),
        ({"created_by": 8}, "validation_failed"),
    ],
)
def test_what_is_no_rate_is_refused(client, books, told, change, code):
    refused = client.post(RATES, json=EURO | change)
    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert told() == []


def test_a_rate_is_corrected_and_deleted_by_its_version(client, books, told):
    path = f"{RATES}/{client.post(RATES, json=EURO).json['id']}"
    assert client.patch(path, json={"rate": "1.1"}).status_code == 428
    changed = client.patch(path, json={"rate": "1.1"}, version=1)
    assert (changed.json["rate"], changed.json["version"]) == ("1.1000000000", 2)
    assert client.patch(path, json={"rate": "1.10"}, version=2).json["version"] == 2
    assert client.delete(path, version=1).status_code == 412
    assert client.delete(path, version=2).status_code == 204
    assert client.get(path).status_code == 404
    assert [event["type"].split(".")[2] for event in told()] == ["created", "updated", "deleted"]


def test_rates_are_listed_newest_first(client, books):
    for day in ("2026-01-01", "2026-03-01", "2026-02-01"):
        client.post(RATES, json=EURO | {"valid_on": day})
    client.post(RATES, json=EURO | {"currency": "JPY"})
    first = client.get(f"{RATES}?currency=EUR&limit=2").json
    assert [row["valid_on"] for row in first["data"]] == ["2026-03-01", "2026-02-01"]
    rest = client.get(f"{RATES}?currency=EUR&limit=2&cursor={first['page']['next_cursor']}").json
    assert [row["valid_on"] for row in rest["data"]] == ["2026-01-01"]


def test_who_does_not_administer_pipelines_reads_rates_alone(client_of, company_id, books):
    reader = client_of(company_id, "deals:read")
    assert reader.get(RATES).status_code == 200
    assert reader.post(RATES, json=EURO).status_code == 403


def test_another_companys_rate_is_not_there(client, client_of, company_id, books):
    path = f"{RATES}/{client.post(RATES, json=EURO).json['id']}"
    stranger = client_of(company_id + 10**9)
    assert stranger.get(path).status_code == 404
    assert stranger.patch(path, json={"rate": "2"}, version=1).status_code == 404
    assert stranger.post(f"{path}/apply-to-closed").status_code == 404


def test_the_rate_of_a_day_is_the_newest_by_then(books, session):
    books.rate("EUR", "1.10", "2026-01-01")
    books.rate("EUR", "1.20", "2026-02-01")
    books.rate("USD", "0.5", "2026-01-01", base="CHF")

    def on(day, currency="EUR", base="USD"):
        return find_rate(session, currency, base, date.fromisoformat(day))

    assert on("2025-12-31") is None
    assert on("2026-01-31") == (Decimal("1.10"), date(2026, 1, 1))
    assert on("2026-02-01") == (Decimal("1.20"), date(2026, 2, 1))
    assert on("2026-02-01", "USD") == (Decimal(1), date(2026, 2, 1))
    # The other way round, and by way of a third, nothing is guessed.
    assert on("2026-02-01", "USD", "EUR") is None
    assert on("2026-02-01", "EUR", "CHF") is None


def test_a_corrected_rate_changes_closed_deals_only_when_it_is_applied(client, books, ask, told):
    scope = books.scope("2026-02-01", "2026-02-28")
    stored = {"close_rate": "1.20", "close_rate_base": "USD", "close_rate_date": "2026-02-01"}
    inside = [
        books.deal("closed_won", "100.00", "EUR", closed="2026-02-10T12:00", **stored),
        books.deal("closed_won", "100.00", "EUR", closed="2026-02-11T12:00"),
    ]
    books.deal("closed_won", "100.00", "EUR", closed="2026-01-31T12:00", created="2026-01-01T00:00", **stored)
    books.deal("closed_won", "100.00", "EUR", closed="2026-03-01T12:00", **stored)
    books.deal("closed_won", "100.00", "JPY", closed="2026-02-12T12:00")
    books.deal("prospect", "100.00", "EUR")
    rate = client.post(RATES, json=EURO | {"rate": "1.20", "valid_on": "2026-02-01"}).json
    client.post(RATES, json=EURO | {"rate": "1.05", "valid_on": "2026-03-01"})
    path = f"{RATES}/{rate['id']}"
    client.patch(path, json={"rate": "1.30"}, version=1)
    # The one that has none goes by what is known now.
    assert ask(report_win_rate, scope)["won"]["value"] == "250.00"
    before = len(told())
    assert client.post(f"{path}/apply-to-closed", version=1).status_code == 412
    assert client.post(f"{path}/apply-to-closed").json == {"changed": 2, "more": False}
    assert ask(report_win_rate, scope)["won"]["value"] == "260.00"
    events = told()[before:]
    assert [(event["type"], event["data"]["after"]["id"]) for event in events] == [
        ("crm.deal.updated.v1", deal_id) for deal_id in inside
    ]
    after = events[0]["data"]["after"]
    assert (after["close_rate"], after["close_rate_base"], after["close_rate_date"]) == (
        "1.3000000000",
        "USD",
        "2026-02-01",
    )
    assert events[0]["operation"] == f"exchange_rates/{rate['id']}"
    # Again there is nothing to do, so no version and no event.
    assert client.post(f"{path}/apply-to-closed").json == {"changed": 0, "more": False}
    assert len(told()) == before + 2


def test_more_deals_than_can_be_locked_at_once_are_changed_in_steps(client, books, superuser):
    first = books.deal("closed_won", "1.00", "EUR", closed="2026-03-10T12:00")
    books.run(
        "INSERT INTO deals (company_id, deal_name, customer_id, deal_value, currency, pipeline_id, stage_id, stage, status,"
        " probability, created_at, closed_at, actual_close_date) SELECT company_id, deal_name, customer_id, deal_value,"
        " currency, pipeline_id, stage_id, stage, status, probability, created_at, closed_at, actual_close_date"
        " FROM deals, generate_series(1, %(more)s) WHERE company_id = %(company_id)s AND deals.id = %(first)s",
        more=MOST_APPLIED,
        first=first,
    )
    path = f"{RATES}/{client.post(RATES, json=EURO).json['id']}/apply-to-closed"
    assert client.post(path).json == {"changed": MOST_APPLIED, "more": True}
    assert client.post(path).json == {"changed": 1, "more": False}
