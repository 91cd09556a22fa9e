"""Thousands of requests that are not what they should be: each is refused or done, at none does a server fail."""

import os
from datetime import UTC, datetime

import pytest
from neighbours.attacks import Attack
from neighbours.malformed import malformed

pytestmark = pytest.mark.xdist_group("stack")
SEED = int(os.environ.get("NEIGHBOURS_SEED", datetime.now(UTC).date().toordinal()))
# What ends the attacker's own session would let the rest be refused for its token alone.
ENDING = ("/v1/auth/logout", "/v1/auth/sessions", "/v1/auth/password", "/v1/companies/current/close")
MOST_AT_ONCE = 500


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.long)])
def test_no_malformed_request_makes_a_server_fail(attacker, count):
    operations = {(method, path) for _, method, path in attacker.known() if not path.startswith(ENDING)}
    done = 0
    # In slices, so that a tenant that was closed by one of them is followed by another.
    for number in range(0, count, MOST_AT_ONCE):
        attacker.refresh()
        targets = [attacker.target(method, path) for method, path in sorted(operations)]
        requests = malformed(targets, min(count, MOST_AT_ONCE), SEED + number)
        with attacker.at_work(Attack("malformed", targets[0], requests, connections=8), 120, once=True) as outcome:
            pass
        failed = [requests[place][:2_000] for place in outcome.failed]
        assert failed == [], (outcome.statuses, f"NEIGHBOURS_SEED={SEED}")
        done += sum(amount for status, amount in outcome.statuses.items() if status != "429")
    assert done == count
