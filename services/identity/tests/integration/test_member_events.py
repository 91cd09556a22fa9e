"""What companies, members and invitations publish: as the contracts say, field for field, one version after the other."""

from collections.abc import Callable
from typing import Any

import orjson
import psycopg
import pytest

from chassis.contracts.files import Contracts
from chassis.testing.fixtures import Client
from identity import events as published_by_identity

ENTITIES = ("company", "user_company", "invitation")


@pytest.fixture
def events(
    *,
    register: Any,
    hire: Any,
    join: Any,
    client_of: Any,
    letters: Any,
    token_of: Any,
    http: Any,
    superuser: Any,
    published: Any,
) -> Any:
    """Everything that can be done to a company, its members and its invitations, as it leaves."""
    ann, ben = register(), register()
    admin = client_of(ann)
    superuser.execute("UPDATE users SET role = 'super_admin' WHERE id = %s", (ben.user_id,))
    login = {"email": ben.email, "password": ben.password}
    operator = Client(http, http.post("/v1/auth/login", json=login).json["access_token"])
    admin.patch("/v1/companies/current", json={"settings": {"visibility": "own"}}, version=1)
    operator.post(f"/v1/companies/{ann.company_id}/suspend")
    operator.post(f"/v1/companies/{ann.company_id}/activate")
    bob, eve = hire(ann), hire(ann, "sales_rep")
    join(bob.user_id, ben.company_id)
    change = {"role": "manager", "permissions": {"grant": ["customers:purge"]}, "phone": "+1-555-0100"}
    assert admin.patch(eve.path, json=change, version=1).status_code == 200
    admin.post(f"{bob.path}/suspend")
    admin.post(f"{bob.path}/activate")
    admin.post(f"{bob.path}/deactivate", json={"transfer": {"customers": {"to": eve.user_id}}})
    assert admin.delete(bob.path, version=4).status_code == 204
    gus = hire(ann)
    admin.post(f"{gus.path}/deactivate", json={})
    assert admin.post(f"{gus.path}/purge", json={"transfer_to": eve.user_id}, version=2).status_code == 204
    emails = [f"{name}-{ann.company_id}@acme.example" for name in ("one", "two")]
    one, two = (admin.post("/v1/invitations", json={"email": email, "role": "user"}).json["id"] for email in emails)
    superuser.execute("UPDATE login_throttles SET blocked_until = now(), updated_at = now() - interval '2 minutes'")
    assert admin.post(f"/v1/invitations/{one}/resend").status_code == 200
    assert admin.delete(f"/v1/invitations/{two}", version=1).status_code == 204
    acceptance = {"token": token_of(letters(emails[0])[-1]), "first_name": "Nora", "last_name": "New"}
    joined = http.post("/v1/invitations/accept", json={**acceptance, "password": "correct horse battery"})
    assert joined.status_code == 200
    assert purge_company(admin).status_code == 202
    return published(ann.company_id)


def purge_company(client: Client) -> Any:
    """Remove the company for good; answers the answer."""
    company = client.get("/v1/companies/current").json
    body = {"name": company["name"], "current_password": "correct horse battery"}
    return client.post("/v1/companies/current/purge", json=body, version=company["version"])


def test_every_event_of_these_is_published_and_fits_its_contract(
    events: list[dict[str, Any]], validate_event: Callable[[Any], None]
) -> None:
    wanted = {kind.name for kind in published_by_identity.PUBLISHED if kind.entity in ENTITIES}
    seen = {event["type"] for event in events}
    assert wanted - seen == set()
    for event in events:
        validate_event(event)


def test_every_event_has_exactly_the_fields_of_its_example(events: list[dict[str, Any]], contracts: Contracts) -> None:
    for event in events:
        example = orjson.loads(contracts.example(event["type"]))
        assert event.keys() == example.keys()
        for state in ("before", "after"):
            if event["data"][state] is None:
                assert example["data"][state] is None
            else:
                assert list(event["data"][state]) == list(example["data"][state]), event["type"]


def test_versions_of_each_record_follow_one_another(events: list[dict[str, Any]]) -> None:
    last: dict[str, int] = {}
    for event in events:
        subject, version = event["subject"], event["aggregateversion"]
        # Who was made for the test has no event of their beginning.
        assert version == last.get(subject, version - 1) + 1, (subject, event["type"])
        last[subject] = version
        if event["data"]["after"] is not None:
            assert event["data"]["after"]["version"] == version


@pytest.mark.parametrize(
    "change",
    [
        lambda client, bob: client.patch(bob.path, json={"role": "manager"}, version=1),
        lambda client, bob: client.post(f"{bob.path}/suspend"),
        lambda client, bob: client.post(f"{bob.path}/deactivate", json={}),
        lambda client, _: client.patch("/v1/companies/current", json={"city": "Rome"}, version=1),
        lambda client, _: client.post("/v1/invitations", json={"email": "x@x.example", "role": "user"}),
        lambda client, _: purge_company(client),
    ],
)
def test_a_change_that_is_not_committed_publishes_nothing(
    register: Any, hire: Any, client_of: Any, superuser: psycopg.Connection, change: Callable[..., Any]
) -> None:
    """The outbox refuses the event; nothing of the change is left, neither for the members nor for the gateways."""
    ann = register()
    bob = hire(ann)
    of_members = ("companies", "users", "user_companies", "sessions", "invitations", "mails")
    tables = (*of_members, "company_purges", "revocations", "outbox")

    def everything() -> Any:
        return [
            superuser.execute(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t").fetchone()  # noqa: S608  # Names from above.
            for table in tables
        ]

    before = everything()
    superuser.execute("ALTER TABLE outbox ADD CONSTRAINT full_up CHECK (false) NOT VALID")
    try:
        assert change(client_of(ann), bob).status_code == 422
    finally:
        superuser.execute("ALTER TABLE outbox DROP CONSTRAINT full_up")
    assert everything() == before
    assert change(client_of(ann), bob).status_code in (200, 201, 202)
    assert everything() != before
