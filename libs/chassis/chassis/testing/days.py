"""Days as tests name them, and a wait at the end of an hour, so that no test sees the day change."""

import time
from datetime import UTC, datetime, timedelta

# More than any test takes that computes with days.
MARGIN = 20


def day(count: int = 0) -> str:
    """The date in UTC that is so many days after today, as in `2026-11-29`. Not for constants of modules."""
    return (datetime.now(UTC).date() + timedelta(days=count)).isoformat()


def pytest_runtest_setup() -> None:
    """Begin no test shortly before a full hour: at each, it is midnight for somebody, and a test has one today."""
    left = 3600 - time.time() % 3600
    if left < MARGIN:
        time.sleep(left)
