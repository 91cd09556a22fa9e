"""For tests: migrated databases, signed tokens, clients of a service. Load it with `-p chassis.testing`."""

import gc

import hypothesis
import pytest

from chassis.testing import logs

pytest_plugins = (
    "chassis.testing.fixtures",
    "chassis.testing.services",
    "chassis.testing.contracts",
    "chassis.testing.days",
    "chassis.testing.programs",
)


# A parameter that is longer than this is shown by its beginning in the name of a test.
_LONG, _SHOWN = 200, 40
_SLOW = [hypothesis.HealthCheck.too_slow]
# The same examples on each run: what is green here is green in CI, and a commit is not refused for another's fault.
hypothesis.settings.register_profile(
    "same", deadline=None, suppress_health_check=_SLOW, derandomize=True, database=None, print_blob=True
)
# Other examples on each run, and many: `make test-properties` looks for what the same ones never show.
hypothesis.settings.register_profile(
    "explore", deadline=None, suppress_health_check=_SLOW, derandomize=False, max_examples=1000, print_blob=True
)


def pytest_configure(config: pytest.Config) -> None:
    """Configure logs before the first test writes one, and let no test fail because the machine is shared."""
    # Six thousand tests are collected, and stay: to look for garbage among them takes a third of the time.
    gc.disable()
    logs.configure()
    hypothesis.settings.load_profile(config.getoption("hypothesis_profile", None) or "same")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test after the beginning of a long text: whole, they are nine tenths of the text of all names together,
    which nobody reads and every process of a run is sent.
    """
    if isinstance(val, str | bytes) and len(val) > _LONG:
        return f"{val[:_SHOWN]!r} and so on, {len(val)} long"
    return None


def pytest_collection_finish() -> None:
    """Look for garbage from now on, and not in what was collected."""
    gc.freeze()
    gc.enable()
