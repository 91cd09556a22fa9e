"""Reports as a client asks for them: parameters, permissions, visibility, and answers that keep to their schemas."""

import pytest
from marshmallow import RAISE

from pipeline.schemas import reports as schemas

ALL = "pipeline_id=%d&from=2026-01-01&to=2026-03-31&assigned_to=7&source=web&customer_id=1"
REPORTS = {
    "lead-pipeline": (schemas.LeadPipelineOut, "assigned_to=7&source=web&customer_id=1"),
    "deal-pipeline": (schemas.DealPipelineOut, ALL),
    "forecast": (schemas.ForecastOut, ALL),
    "win-rate": (schemas.WinRateOut, ALL),
    "cycle": (schemas.CycleOut, ALL),
    "velocity": (schemas.VelocityOut, ALL),
    "funnel": (schemas.FunnelOut, ALL),
    "stage-durations": (schemas.StageDurationsOut, ALL),
    "slippage": (schemas.SlippageOut, ALL),
    "loss-reasons": (schemas.LossReasonsOut, ALL),
}


@pytest.fixture
def filled(books):
    """One of each kind of thing that reports show."""
    books.rate("EUR", "1.05", "2026-01-01")
    lead = books.add("leads", lead_name="Ada", source="web", assigned_to=7, customer_id=1, estimated_value=5)
    of_all = {"assigned_to": 7, "lead_id": lead, "created": "2025-12-01T12:00"}
    dated = books.deal("qualified", "10.00", "EUR", expected_close_date="2026-02-01", **of_all)
    books.dated(dated, "2025-12-01T12:00", None, "2026-02-01")
    books.deal("proposal", "10.00", "GBP", **of_all)
    books.deal("closed_won", "10.00", closed="2026-02-01T12:00", **of_all)
    books.deal("closed_lost", "10.00", "EUR", closed="2026-02-01T12:00", **of_all)
    return books


def schema_of(kind):
    """The schema, strict all the way down: it describes each member that is answered."""

    def strict(schema):
        schema.unknown = RAISE
        for field in schema.fields.values():
            inner = getattr(field, "inner", None) or getattr(field, "value_field", None) or field
            if hasattr(inner, "schema"):
                strict(inner.schema)
        return schema

    return strict(kind())


@pytest.mark.parametrize("name", REPORTS)
def test_answers_are_what_their_schemas_say(client, filled, name):
    kind, query = REPORTS[name]
    for asked in ("", f"?{query % filled.pipeline_id if '%d' in query else query}"):
        answer = client.get(f"/v1/reports/{name}{asked}")
        assert answer.status_code == 200, answer.json
        assert schema_of(kind).load(answer.json)
        assert answer.json["visibility"] == "all"
    assert answer.json["filter"]["source"] == "web"


def test_the_filter_says_what_was_taken_where_nothing_was_asked(client, filled):
    taken = client.get("/v1/reports/win-rate").json["filter"]
    assert taken["pipeline_id"] == filled.pipeline_id
    assert taken["from"][:8] + "01" == taken["from"]
    assert taken["assigned_to"] is None
    months = client.get("/v1/reports/forecast").json["months"]
    assert len(months) == 12


@pytest.mark.parametrize("name", [*REPORTS, "snapshots"])
def test_an_unknown_parameter_is_refused(client, books, name):
    refused = client.get(f"/v1/reports/{name}?owner=7")
    assert (refused.status_code, refused.json["code"]) == (400, "invalid_query")
    assert refused.json["errors"][0]["code"] == "unknown_parameter"


@pytest.mark.parametrize("query", ["from=2026-03-02&to=2026-03-01", "from=2010-01-01&to=2026-03-01", "from=yesterday"])
def test_a_window_that_cannot_be_is_refused(client, books, query):
    refused = client.get(f"/v1/reports/win-rate?{query}")
    assert (refused.status_code, refused.json["code"]) == (400, "invalid_query")


def test_a_query_that_is_none_is_refused(client, books):
    many = "&".join(f"from=2026-01-{day:02}" for day in range(1, 22))
    for query in ("from=%FF", many):
        refused = client.get(f"/v1/reports/win-rate?{query}")
        assert (refused.status_code, refused.json["code"]) == (400, "malformed_query")


def test_another_companys_pipeline_is_not_there(client, books, new_books):
    stranger = new_books("UTC")
    refused = client.get(f"/v1/reports/win-rate?pipeline_id={stranger.pipeline_id}")
    assert (refused.status_code, refused.json["code"]) == (404, "pipeline_not_found")


@pytest.mark.parametrize(("scope", "allowed"), [("leads:read", "lead-pipeline"), ("deals:read", "win-rate")])
def test_each_report_takes_the_permission_of_its_records(client_of, company_id, books, scope, allowed):
    client = client_of(company_id, scope)
    for name in ("lead-pipeline", "win-rate"):
        assert client.get(f"/v1/reports/{name}").status_code == (200 if name == allowed else 403)


def test_who_sees_their_own_is_told_so(client_of, company_id, filled):
    client = client_of(company_id, "deals:read:own leads:read:own")
    filled.deal("closed_won", "10.00", closed="2026-02-01T12:00", created="2026-01-01T12:00", assigned_to=8)
    query = "from=2026-01-01&to=2026-03-31"
    answer = client.get(f"/v1/reports/win-rate?{query}").json
    assert (answer["visibility"], answer["won"]["count"]) == ("own", 1)
    # Asking for what is somebody else's finds nothing of it.
    assert client.get(f"/v1/reports/win-rate?{query}&assigned_to=8").json["won"]["count"] == 0
    assert client.get("/v1/reports/lead-pipeline").json["visibility"] == "own"


def test_snapshots_are_of_today_unless_asked(client, books, database):
    missing = client.get("/v1/reports/snapshots")
    assert (missing.status_code, missing.json["code"]) == (404, "snapshot_not_found")
