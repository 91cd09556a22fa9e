"""What an import sees: no more than whoever began it, and no more than whoever asks for its next step."""

from typing import Any

import pytest

from chassis.db.session import Database
from chassis.testing.fixtures import Client
from chassis.testing.tokens import TokenFactory

PATH = "/v1/customers/imports"
SIMPLE = b"Name\nAda\n"


@pytest.fixture
def client(imports: Any) -> Any:
    return imports.client


def test_who_sees_their_own_alone_changes_their_own_alone(
    imports: Any, client: Client, tokens: TokenFactory, database: Database, company_id: int
) -> None:
    client.post("/v1/customers", json={"name": "Not theirs", "customer_code": "K-1"})
    scope = "customers:read:own customers:write customers:import"
    token = tokens.sign(company_id=company_id, sub="8", scope=scope)
    own = type(imports)(Client(client.http, token), database, company_id)
    own.client.post("/v1/customers", json={"name": "Theirs", "customer_code": "K-2"})
    content = imports.table(("Code", "Name"), ("K-1", "Mine now"), ("K-2", "Renamed"))
    done = own.run(content, mode="update", match_by="customer_code")
    assert [(error["line"], error["code"]) for error in own.errors(done["id"])] == [(2, "customer_not_found")]
    assert imports.names() == ["Not theirs", "Renamed"]
    theirs = imports.begin(SIMPLE).json
    assert own.client.get(f"{PATH}/{theirs['id']}").status_code == 404


@pytest.mark.parametrize("narrowed_at", ["validate", "start", "revert"])
def test_an_import_sees_no_more_than_whoever_asks_for_its_next_step(
    *, imports: Any, client: Client, tokens: TokenFactory, database: Database, company_id: int, narrowed_at: str
) -> None:
    """As after a change of role, or with an API key that may do less than whoever made it."""
    client.post("/v1/customers", json={"name": "Old", "customer_code": "K-1"})
    token = tokens.sign(company_id=company_id, sub="8", scope="customers:read customers:write customers:import")
    wide = type(imports)(Client(client.http, token), database, company_id)
    token = tokens.sign(company_id=company_id, sub="8", scope="customers:read:own customers:write customers:import")
    narrow = type(imports)(Client(client.http, token), database, company_id)
    begun = wide.begin(imports.table(("Code", "Name"), ("K-1", "Mine now")), mode="update", match_by="customer_code")
    steps = ["validate", "start", "revert"]
    at = steps.index(narrowed_at)
    done = [(narrow if place >= at else wide).step(begun.json["id"], step) for place, step in enumerate(steps)]
    validated, ran, reverted = done
    assert (validated["failed_rows"], ran["updated_rows"]) == {0: (1, 0), 1: (0, 0), 2: (0, 1)}[at]
    assert reverted["reverted_rows"] == 0
    assert imports.names() == (["Mine now"] if narrowed_at == "revert" else ["Old"])


def test_an_import_that_was_narrowed_is_not_widened_again_by_somebody_else(
    imports: Any, client: Client, tokens: TokenFactory, database: Database, company_id: int
) -> None:
    client.post("/v1/customers", json={"name": "Old", "customer_code": "K-1"})
    token = tokens.sign(company_id=company_id, sub="8", scope="customers:read:own customers:write customers:import")
    narrow = type(imports)(Client(client.http, token), database, company_id)
    begun = narrow.begin(imports.table(("Code", "Name"), ("K-1", "New")), mode="update", match_by="customer_code")
    imports.step(begun.json["id"], "validate")
    assert imports.step(begun.json["id"], "start")["failed_rows"] == 1
    assert imports.names() == ["Old"]
