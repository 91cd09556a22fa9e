"""Every operation of the API under attacks of each kind that fits it: the other tenant does not notice.

The operations are those of the OpenAPI document, so that a new route is attacked without a word here. A run of all tests
takes a sample, another one each day; `make test-neighbours` takes them all.
"""

import os
import random
from datetime import UTC, datetime

import pytest
from neighbours.attacks import KINDS
from neighbours.tenants import workers

pytestmark = pytest.mark.xdist_group("stack")
# In MiB.
MOST_MEMORY = 300
# Of the sample, to repeat what was found on another day.
SEED = int(os.environ.get("NEIGHBOURS_SEED", datetime.now(UTC).date().toordinal()))
# More of each kind than a run of all tests has time for: NEIGHBOURS_EACH=10.
OF_EACH_KIND = int(os.environ.get("NEIGHBOURS_EACH", "2"))
ATTEMPTS = 3
# On a machine at rest the worst answer without an attack takes some 0.05 s, so that a second is what counts.
SLOWER = 10


def noticed(attacker, victim, known, seconds):
    """What the victim saw of an attack, as a sentence; None where that was nothing.

    What was seen once may have been this machine's own noise; what is seen again is the attack. On a machine that is busy
    with something else a second is measured against what the victim gets there without an attack.
    """
    for _ in range(ATTEMPTS):
        attacker.refresh()
        attack = attacker.attack(*known)
        with attacker.at_work(attack, seconds) as outcome:
            seen = victim.work(attack.target.service, seconds)
        if "500" in outcome.statuses or "502" in outcome.statuses:
            break
        if seen.fine:
            return None
        quiet = victim.work(attack.target.service, seconds)
        if not seen.refused and seen.worst <= SLOWER * quiet.worst:
            return None
    return f"{attack} got {outcome.statuses}; the other tenant: {seen}"


def judge(attacker, victim, production, chosen, seconds):
    found = []
    heavy = set()
    for number, known in enumerate(chosen, 1):
        if (sentence := noticed(attacker, victim, known, seconds)) is not None:
            found.append(sentence)
            print(sentence)  # noqa: T201  # All of them take half an hour.
        if number % 100 == 0:
            print(f"{number} of {len(chosen)} attacks, noticed: {len(found)}")  # noqa: T201  # As above.
        for worker, memory in workers(production).items():
            if memory > MOST_MEMORY and worker not in heavy:
                heavy.add(worker)
                found.append(f"{worker} has had {memory} MiB after {known}")
    assert not found, "\n".join([f"NEIGHBOURS_SEED={SEED}", *found])


def test_what_fits_is_known_of_every_operation(attacker):
    known = attacker.known()
    assert {kind for kind, *_ in known} == set(KINDS)
    operations = {(method, path) for _, method, path in known}
    assert len(operations) == sum(
        len(set(one) & {"get", "post", "patch", "put", "delete"}) for one in attacker.document["paths"].values()
    )
    assert sum(kind == "costly query" for kind, *_ in known) > 15
    assert sum(kind == "wide" for kind, *_ in known) > 60


def test_a_sample_of_attacks_is_not_noticed(attacker, victim, production):
    known = attacker.known()
    chance = random.Random(SEED)
    chosen = [one for kind in KINDS for one in chance.sample([each for each in known if each[0] == kind], OF_EACH_KIND)]
    judge(attacker, victim, production, chosen, seconds=0.8)


@pytest.mark.long
def test_no_attack_is_noticed(attacker, victim, production):
    judge(attacker, victim, production, attacker.known(), seconds=1.0)
