"""Progress on a terminal and elsewhere."""

import sys

import pytest

from crm.client import progress
from crm.client.progress import MEGABYTES, Progress


@pytest.fixture
def clock(monkeypatch):
    times = iter(range(0, 1000, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))


@pytest.mark.parametrize("columns", [20, 60, 80, 200])
def test_a_bar_with_rate_and_time_left_fits_into_the_terminal(clock, monkeypatch, capsys, columns):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    with Progress("importing") as shown:
        shown.show(0, 1_000_000)
        shown.show(250_000, 1_000_000)
    last = capsys.readouterr().out.split("\r\033[K")[2]
    assert len(last) < columns
    if columns >= 80:
        assert "25 % · 250,000 of 1,000,000 rows · 25,000 rows/s · 30 s left" in last
        assert "█░" in last


def test_elsewhere_there_is_a_line_now_and_then(clock, capsys):
    with Progress("uploading", MEGABYTES) as shown:
        shown.show(0, 4_000_000)
        shown.show(1_000_000, 4_000_000)
    assert capsys.readouterr().out.splitlines() == [
        "   uploading: 0 % · 0.0 of 4.0 MB",
        "   uploading: 25 % · 1.0 of 4.0 MB · 0.1 MB/s · 30 s left",
    ]
