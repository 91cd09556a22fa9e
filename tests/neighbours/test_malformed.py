"""Thousands of requests that are not what they should be: each is refused or done, at none does a server fail."""

import os
import random
from datetime import UTC, datetime

import pytest
from neighbours.attacks import Attack
from neighbours.malformed import malformed

pytestmark = pytest.mark.xdist_group("stack")
SEED = int(os.environ.get("NEIGHBOURS_SEED", datetime.now(UTC).date().toordinal()))
# What ends the attacker's own session would let the rest be refused for its token alone.
ENDING = ("/v1/auth/logout", "/v1/auth/sessions", "/v1/auth/password", "/v1/companies/current/close")
MOST_AT_ONCE = 100


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_no_malformed_request_makes_a_server_fail(attacker, victim, count):
    operations = sorted({(method, path) for _, method, path in attacker.known() if not path.startswith(ENDING)})
    # Another part of them each time where there are more of them than requests.
    random.Random(SEED).shuffle(operations)
    cursors = victim.cursors(attacker.document)
    assert cursors
    done = 0
    # In slices, so that a tenant that was closed by one of them is followed by another.
    for number in range(0, count, MOST_AT_ONCE):
        attacker.refresh()
        targets = [attacker.target(method, path) for method, path in operations]
        requests = malformed(targets, cursors, min(count, MOST_AT_ONCE), SEED + number)
        outcome = sent(attacker, targets[0], requests, connections=8)
        done += sum(outcome.statuses.values())
        failed = [requests[place] for place in outcome.failed]
        if failed and not {"500", "502"} & set(outcome.statuses):
            # Too much at once for this machine just now, it said: alone each is answered.
            outcome = sent(attacker, targets[0], failed, connections=1)
            failed = [failed[place] for place in outcome.failed]
        assert [request[:2_000] for request in failed] == [], (outcome.statuses, f"NEIGHBOURS_SEED={SEED}")
    assert done == count


def sent(attacker, target, requests, connections):
    """What came of each of these requests, sent once."""
    attack = Attack("malformed", target, requests, way="end", connections=connections)
    with attacker.at_work(attack, 120, once=True) as outcome:
        pass
    return outcome
