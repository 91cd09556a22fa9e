"""Snapshots: one a day for each company, after midnight where it is, and read with the rates of that day."""

from datetime import date
from threading import Event as Flag

import psycopg
import pytest

from chassis.context import Context, acting_as
from chassis.errors import NotFound
from pipeline.commands.snapshots import take_snapshot, take_snapshots
from pipeline.queries.reports.scope import Scope
from pipeline.queries.reports.snapshots import report_snapshot
from pipeline.rules.reporting import local_date

DAY = date(2026, 3, 10)


def as_of(books, day=DAY, **narrowed):
    now = books.scope("2026-03-01", "2026-03-31").now
    return Scope(base="USD", zone=books.zone, now=now, pipeline_id=books.pipeline_id, as_of=day, narrowed=narrowed)


def taken(superuser, books):
    rows = superuser.execute("SELECT day FROM snapshot_days WHERE company_id = %s ORDER BY 1", (books.company_id,))
    return [day for (day,) in rows.fetchall()]


def test_a_snapshot_is_read_with_the_rates_of_its_day(books, database, ask):
    books.rate("EUR", "1.20", "2026-02-01")
    books.rate("EUR", "9.00", "2026-03-11")
    books.deal("qualified", "2000.50", "EUR", assigned_to=7, expected_close_date="2026-04-20")
    books.deal("qualified", "100.00", assigned_to=8)
    books.deal("closed_won", "100.00")
    with database.transaction() as session:
        assert take_snapshot(session, DAY)
    books.run("UPDATE deals SET deal_value = 1 WHERE company_id = %(company_id)s")
    report = ask(report_snapshot, as_of(books))
    [stage] = report["stages"]
    assert (stage["stage_name"], stage["count"], stage["value"], stage["weighted"]) == (
        "qualified",
        2,
        "2500.60",
        "625.15",
    )
    assert [(month["month"], month["value"]) for month in stage["months"]] == [("2026-04", "2400.60"), (None, "100.00")]
    assert report["rates"] == [{"currency": "EUR", "rate": "1.2000000000", "valid_on": "2026-02-01"}]
    assert ask(report_snapshot, as_of(books, assigned_to=8))["total"]["value"] == "100.00"
    with acting_as(Context(company_id=books.company_id, user_id=7, own_only=True)):
        assert ask(report_snapshot, as_of(books))["total"]["count"] == 1


def test_a_day_without_deals_is_not_a_day_that_was_missed(books, database, ask):
    with database.transaction() as session:
        take_snapshot(session, DAY)
    assert ask(report_snapshot, as_of(books))["total"]["count"] == 0
    with pytest.raises(NotFound) as missed:
        ask(report_snapshot, as_of(books, date(2026, 3, 11)))
    assert missed.value.code == "snapshot_not_found"


def test_a_snapshot_is_taken_once_a_day(books, database, ask):
    books.deal("prospect", "10.00")
    with database.transaction() as session:
        assert take_snapshot(session, DAY)
    with database.transaction() as session:
        assert not take_snapshot(session, DAY)
    assert ask(report_snapshot, as_of(books))["total"]["count"] == 1


def test_one_that_breaks_off_leaves_nothing_and_is_taken_again(books, database, superuser, ask):
    books.deal("prospect", "10.00")

    def break_off():
        with database.transaction() as session:
            take_snapshot(session, DAY)
            backend = session.writer.open_connection().info.backend_pid
            superuser.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))

    with pytest.raises(psycopg.OperationalError):
        break_off()
    assert taken(superuser, books) == []
    with database.transaction() as session:
        assert take_snapshot(session, DAY)
    assert ask(report_snapshot, as_of(books))["total"]["count"] == 1


def test_two_at_once_take_one(books, database, ask, superuser):
    books.deal("prospect", "10.00")
    with database.transaction() as first:
        take_snapshot(first, DAY)
        with psycopg.connect(superuser.info.dsn, password=superuser.info.password) as second:
            second.execute("SET lock_timeout = 100")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                second.execute(
                    "INSERT INTO snapshot_days VALUES (%s, %s) ON CONFLICT DO NOTHING", (books.company_id, DAY)
                )
    with database.transaction() as session:
        assert not take_snapshot(session, DAY)


def test_the_job_takes_those_of_companies_that_have_passed_midnight(books, new_books, database, superuser, acting):
    """In each zone it is the day that it is there; the day before stays missed."""
    east, west = new_books("Pacific/Kiritimati"), new_books("Pacific/Pago_Pago")
    days = {each.company_id: local_date(_now(superuser), each.zone) for each in (books, east, west)}
    for _ in range(2):
        take_snapshots(database, Flag())
    for each in (books, east, west):
        assert taken(superuser, each) == [days[each.company_id]]
    assert days[east.company_id] > days[west.company_id]


def test_a_company_that_fails_holds_up_no_other(books, new_books, database, superuser):
    broken, sound = new_books("Nowhere/Land"), new_books("UTC")
    take_snapshots(database, Flag())
    assert taken(superuser, broken) == []
    assert len(taken(superuser, sound)) == 1


def _now(superuser):
    return superuser.execute("SELECT now()").fetchall()[0][0]
