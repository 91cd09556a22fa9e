"""supervisord reads logs in one go, and answers at once who asks it."""

import time

import pytest

from crm import gathering

LOG, SOCKET = 5, 9


@pytest.fixture
def rests(monkeypatch):
    rests = []
    monkeypatch.setattr(time, "sleep", rests.append)
    return rests


@pytest.mark.parametrize(
    ("told", "rested"),
    [
        (([LOG], []), True),
        (([LOG, LOG + 1], []), True),
        (([SOCKET], []), False),
        (([LOG, SOCKET], []), False),
        (([LOG], [SOCKET]), False),
        (([], []), False),
    ],
)
def test_it_rests_after_logs_alone(rests, told, rested):
    asked = []

    def poll(timeout):
        asked.append(timeout)
        return told

    poll_rested = gathering.resting(poll, {SOCKET: "a connection"})
    assert poll_rested(1) == told
    assert rests == []
    assert poll_rested(1) == told
    assert rests == [gathering.REST_SECONDS] * rested
    assert asked == [1, 1]
