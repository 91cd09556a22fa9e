"""The container `backup`: when a backup is due, and what it makes is one that can be read."""

from datetime import UTC, datetime, timedelta

import pytest

from crm.backup.shelf import Shelf
from crm.jobs.backup import is_due, last_due

NIGHT = datetime(2026, 11, 28, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (NIGHT, NIGHT),
        (NIGHT - timedelta(seconds=1), NIGHT - timedelta(days=1)),
        (NIGHT + timedelta(hours=20), NIGHT),
        (NIGHT + timedelta(hours=22), NIGHT),
    ],
)
def test_a_backup_is_due_since_the_last_night(now, due):
    assert last_due(now) == due


def test_a_night_in_which_nothing_ran_is_made_up_for_once(tmp_path):
    shelf = Shelf(tmp_path)
    assert is_due(shelf, NIGHT)
    began = NIGHT + timedelta(hours=5)
    shelf.finish(shelf.begin(began), began, {})
    assert not is_due(shelf, began)
    assert not is_due(shelf, NIGHT + timedelta(hours=23))
    assert is_due(shelf, NIGHT + timedelta(days=1))
    assert is_due(shelf, NIGHT + timedelta(days=3))
