"""Which stage the words of a file mean, when its deals closed, and how likely they are."""

from datetime import UTC, datetime

import pytest

from pipeline.rules.imported_closings import closing_of
from pipeline.rules.imported_stages import Pipeline, Place, Refusal, Stages
from pipeline.rules.stages import Stage
from pipeline.schemas.import_deals import DealReader

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def stages_of(pipeline_id, first, *more):
    named = (("prospect", "open"), ("proposal", "open"), ("closed_won", "won"), ("closed_lost", "lost"), *more)
    return [
        Stage(first + index, code.replace("_", " ").title(), kind, index, kind != "inactive", None, pipeline_id, code)
        for index, (code, kind) in enumerate(named)
    ]


SALES, RENEWALS = Pipeline(1, "Sales", True), Pipeline(2, "Renewals", False)
KNOWN = Stages([SALES, RENEWALS], [*stages_of(1, 10), *stages_of(2, 20, ("due", "open"))])


@pytest.mark.parametrize(
    ("pipeline", "stage", "status", "expected"),
    [
        (None, None, None, 10),
        ("RENEWALS", None, None, 20),
        (2, None, "lost", 23),
        (None, "Proposal", None, 11),
        (None, "Angebot", None, 11),
        ("Renewals", "Quote Sent", None, 21),
        (None, "due", None, 24),
        (None, "24", None, 24),
        (None, "Proposal (Renewals)", None, 21),
        (None, "Proposal (Elsewhere)", None, 11),
        (None, "Closed-Won", None, 12),
        ("Renewals", "gewonnen", None, 22),
        (None, "Proposal", "won", 12),
        ("Renewals", "due", "lost", 23),
        (None, "closed won", "open", "stage_unfit"),
        (None, "closed won", "lost", "stage_unfit"),
        ("Sales", "due", None, "unknown_stage"),
        (None, "Nirvana", "won", "unknown_stage"),
        ("Nowhere", "Proposal", None, "unknown_pipeline"),
    ],
)
def test_a_stage_is_found_by_its_own_names_first_and_then_by_other_words(pipeline, stage, status, expected):
    found = KNOWN.find(pipeline, stage, status)
    assert (found.stage.id if isinstance(found, Place) else found.code) == expected


def test_what_has_closed_says_which_open_stage_it_closed_from():
    assert KNOWN.find(None, "Proposal", "won").before.id == 11
    assert KNOWN.find(None, "Closed Won", "won").before is None


def test_a_name_of_stages_of_several_other_pipelines_is_none_of_them():
    third = Pipeline(3, "Partners", False)
    known = Stages(
        [SALES, RENEWALS, third],
        [*stages_of(1, 10), *stages_of(2, 20, ("due", "open")), *stages_of(3, 30, ("due", "open"))],
    )
    assert known.find(None, "due", None).code == "ambiguous_stage"
    assert known.find("Partners", "due", None).stage.id == 34


def test_nothing_enters_a_stage_that_is_inactive():
    stages = [*stages_of(1, 10), Stage(19, "Old", "open", 9, False, None, 1, "old")]
    assert Stages([SALES], stages).find(None, "Old", None).code == "stage_inactive"
    assert isinstance(Stages([SALES], []).find(None, None, None), Refusal)


@pytest.mark.parametrize(
    ("values", "created", "closed"),
    [
        ({"closed_at": "2026-03-04T10:00:00+00:00"}, "2026-03-04T10:00", "2026-03-04T10:00"),
        ({"closed_at": "2026-03-04"}, "2026-03-04T05:00", "2026-03-04T05:00"),
        ({"expected_close_date": "2026-03-04"}, "2026-03-04T05:00", "2026-03-04T05:00"),
        (
            {"closed_at": "2026-03-04", "created_at": "2026-03-04T20:00:00+00:00"},
            "2026-03-04T20:00",
            "2026-03-04T20:00",
        ),
        (
            {"expected_close_date": "2026-03-04", "created_at": "2026-05-01T00:00:00+00:00"},
            "2026-03-04T05:00",
            "2026-03-04T05:00",
        ),
        (
            {"expected_close_date": "2026-07-01", "created_at": "2026-05-01T00:00:00+00:00"},
            "2026-05-01T00:00",
            "2026-06-15T12:00",
        ),
        ({}, "2026-06-15T12:00", "2026-06-15T12:00"),
    ],
)
def test_a_deal_closes_when_its_row_says_as_far_as_that_is_over(values, created, closed):
    found = closing_of(values, "America/New_York", NOW)
    assert found.fault is None
    assert found.created_at == datetime.fromisoformat(created).replace(tzinfo=UTC)
    assert found.closed_at == datetime.fromisoformat(closed).replace(tzinfo=UTC)


def test_what_is_said_to_have_closed_before_it_was_created_is_a_fault():
    values = {"closed_at": "2026-03-04T10:00:00+00:00", "created_at": "2026-03-05T00:00:00+00:00"}
    assert closing_of(values, "UTC", NOW).fault is not None


def read(column, text):
    columns = ["Deal name", column]
    field = {"Probability": "probability", "Close": "closed_at", "Company": "company_name"}[column]
    row = DealReader(columns, {"Deal name": "deal_name", column: field}, "create", None, options={})(2, ["A", text])
    return row.values if not row.faults + row.late else [fault.field for fault in row.faults + row.late]


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("40", 40),
        ("40%", 40),
        ("40 %", 40),
        ("0.4", 40),
        ("0,4", 40),
        ("1.0", 100),
        ("1", 1),
        ("45.5", 46),
        ("0", 0),
        ("0.4%", 0),
    ],
)
def test_a_probability_is_a_share_of_a_hundred_or_with_a_point_of_one(text, percent):
    assert read("Probability", text)["probability"] == percent


@pytest.mark.parametrize("text", ["101", "-1", "likely", "1e1", "NaN", "4 0"])
def test_what_is_no_probability_is_refused(text):
    assert read("Probability", text) == ["probability"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Acme (acme.example)", {"company_name": "Acme", "website": "acme.example"}),
        ("Jo Doe (jo@acme.example)", {"company_name": "Jo Doe", "customer_email": "jo@acme.example"}),
        ("Acme (Old)", {"company_name": "Acme (Old)"}),
        ("Acme (U.S.)", {"company_name": "Acme (U.S.)"}),
    ],
)
def test_an_address_behind_a_name_says_who_it_is(text, found):
    assert read("Company", text) == {"deal_name": "A"} | found
