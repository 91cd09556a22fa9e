"""For tests: migrated databases, signed tokens, clients of a service. Load it with `-p chassis.testing`."""

pytest_plugins = ("chassis.testing.fixtures", "chassis.testing.services", "chassis.testing.contracts")
