"""For tests: migrated databases, signed tokens, clients of a service. Load it with `-p chassis.testing`."""

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
    logs.configure()
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=slow)
    hypothesis.settings.load_profile("patient")
