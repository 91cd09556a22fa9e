"""Turns of jobs: one worker at a time has one, and each next turn finds it free, whatever became of the connection."""

import psycopg
import pytest

from chassis.broker.schedules import Turns

NAME = "tidy-up"
_CUT = """
SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s
"""
_HELD = """
SELECT count(*), count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND datname = current_database() AND application_name = %s
"""


@pytest.fixture
def workers(home):
    two = Turns(home.app_url), Turns(home.app_url)
    yield two
    for turns in two:
        turns.close()


def test_one_worker_at_a_time_has_a_turn(workers):
    one, other = workers
    with one.taken(NAME) as ours:
        assert ours
        with other.taken(NAME) as theirs:
            assert not theirs
        with other.taken("another") as another:
            assert another
        # Who was refused a turn has not ended it.
        with other.taken(NAME) as theirs:
            assert not theirs
    with other.taken(NAME) as theirs:
        assert theirs


def test_a_job_that_fails_gives_its_turn_back(workers):
    one, other = workers
    with pytest.raises(LookupError), one.taken(NAME):
        raise LookupError
    with other.taken(NAME) as theirs:
        assert theirs


def test_all_jobs_of_a_worker_share_a_connection(workers, home):
    one, _ = workers
    with one.taken(NAME), one.taken("another"), one.taken("third"):
        assert home.sql(_HELD, "schedules") == [(3, 1)]


def test_a_connection_that_the_server_has_closed_is_replaced(workers, home):
    one, other = workers
    with one.taken(NAME) as ours:
        assert ours
        home.sql(_CUT, "schedules")
        # The lock went with its connection.
        with other.taken(NAME) as theirs:
            assert theirs
    with one.taken(NAME) as ours:
        assert ours


def test_a_database_that_is_away_is_an_error_until_it_is_back(workers, home):
    one, _ = workers
    with one.taken(NAME):
        pass
    with home.down(), pytest.raises(psycopg.OperationalError), one.taken(NAME):
        pass
    with one.taken(NAME) as ours:
        assert ours
