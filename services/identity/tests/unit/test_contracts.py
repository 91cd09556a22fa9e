"""The contracts of identity's events promise no secret."""

import json

import pytest

from chassis.contracts.files import Contracts
from identity.events import PUBLISHED


@pytest.mark.parametrize("name", [event_type.name for event_type in PUBLISHED])
def test_no_contract_promises_a_secret(name: str, contracts: Contracts) -> None:
    # That a password was changed is no secret; what it is has no place in any event.
    text = json.dumps(contracts.schema(name)).replace(name, "").replace("has another password", "")
    for word in ("password", "token_epoch", "hash", "nonce"):
        assert word not in text
