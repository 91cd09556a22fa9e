"""For tests: migrated databases, signed tokens, clients of a service. Load it with `-p chassis.testing`."""

from chassis.testing import logs

pytest_plugins = (
    "chassis.testing.fixtures",
    "chassis.testing.services",
    "chassis.testing.contracts",
    "chassis.testing.days",
)


def pytest_configure() -> None:
    """Configure logs before the first test writes one."""
    logs.configure()
