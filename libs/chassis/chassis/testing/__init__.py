"""For tests: migrated databases, signed tokens, clients of a service. Load it with `-p chassis.testing`."""

import gc

import hypothesis

from chassis.testing import logs

pytest_plugins = (
    "chassis.testing.fixtures",
    "chassis.testing.services",
    "chassis.testing.contracts",
    "chassis.testing.days",
    "chassis.testing.programs",
)


def pytest_configure() -> None:
    """Configure logs before the first test writes one, and let no test fail because the machine is shared."""
    # Six thousand tests are collected, and stay: to look for garbage among them takes a third of the time.
    gc.disable()
    logs.configure()
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=slow)
    hypothesis.settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """Look for garbage from now on, and not in what was collected."""
    gc.freeze()
    gc.enable()
