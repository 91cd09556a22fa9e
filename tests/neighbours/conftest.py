"""A system that is limited as in production, and two tenants of it."""

from urllib.parse import urlsplit

import pytest
from neighbours.tenants import Attacker, Victim

from crm.settings import for_tests
from crm.stack import Stack
from gateway.config import Limits


@pytest.fixture(scope="session")
def production(stack):
    """The system with the limits of production; the unlimited one is gone by then."""
    limited = Stack(stack.home, for_tests(bcrypt_cost=12, limits=Limits()), attached=True)
    limited.up()
    return limited


@pytest.fixture(scope="module")
def attacker(production, request):
    """One who has more customers when there is more time."""
    long = request.config.option.markexpr == "long"
    made = Attacker(production, customers=60_000 if long else 2_000)
    yield made
    made.close()


@pytest.fixture(scope="module")
def victim(production, attacker):
    made = Victim(urlsplit(production.gateway_url).port, attacker.document)
    yield made
    made.tenant.client.close()
