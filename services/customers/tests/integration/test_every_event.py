"""Whatever the service publishes is what its contract says, however it came about; and each change is told once."""

import uuid
from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from chassis.events import ACCESS_DENIED, decode
from chassis.testing.events import altered, assert_each_follows, hand_to, neighbours_event
from customers.commands.transfers import TRANSFERS
from customers.events import PUBLISHED
from customers.handlers import SUBSCRIPTIONS

SCOPE = "customers:read customers:write customers:import customers:export customers:purge companies:write"


@pytest.fixture
def client(client_of, company_id):
    return client_of(company_id, SCOPE)


def customer(client, **values):
    answer = client.post("/v1/customers", json=values)
    assert answer.status_code == 201, answer.json
    return answer.json["id"]


def merge(client, target, version, source):
    body = {"from": [{"id": source, "version": 1}]}
    answer = client.post(f"/v1/customers/{target}/merge", json=body, version=version)
    assert answer.status_code == 200, answer.json
    return answer.json["merge"]["id"]


def tidy(client):
    """Everything that one customer, its contacts and a merge can go through."""
    ada, twin = customer(client, name="Ada"), customer(client, name="Twin", tags=["a"], email="twin@example.com")
    path = f"/v1/customers/{ada}"
    contact = client.post(f"/v1/customers/{twin}/contacts", json={"first_name": "Grace", "is_primary": True}).json["id"]
    other = client.post(f"{path}/contacts", json={"first_name": "Emil"}).json["id"]
    done = merge(client, ada, 1, twin)
    assert client.post(f"/v1/customers/merges/{done}/undo").status_code == 200
    assert client.patch(f"/v1/contacts/{contact}", json={"job_title": "Buyer"}, version=3).status_code == 200
    assert client.delete(f"/v1/contacts/{contact}", version=4).status_code == 204
    assert client.post(f"/v1/contacts/{contact}/restore").status_code == 200
    assert client.post(f"{path}/tags", json={"tags": ["vip"]}).status_code == 200
    assert client.post(f"{path}/assign", json={"assigned_to": 7}).status_code == 200
    assert client.delete(path, version=5).status_code == 204
    assert client.post(f"{path}/restore").status_code == 200
    assert client.post(f"/v1/contacts/{other}/purge", version=3).status_code == 204
    assert client.post(f"{path}/purge", version=7).status_code == 204
    assert client.post("/v1/industries", json={"name": "Space travel"}).status_code == 201
    assert client.get("/v1/customers/export.csv").status_code == 200


def change_many(client):
    """The three ways to change many."""
    ids = [customer(client, name=f"Many {number}", city="Bonn") for number in range(2)]
    assert client.post("/v1/customers/assign", json={"ids": ids, "assigned_to": 7}).json["succeeded"] == 2
    items = [
        {"action": "create", "values": {"name": "Another"}},
        {"action": "update", "id": ids[0], "version": 2, "values": {"city": "Bonn", "priority": "low"}},
        {"action": "archive", "id": ids[1], "version": 2},
    ]
    assert client.post("/v1/customers/batch", json={"items": items}).json["succeeded"] == 3
    body = {"filter": "city=Bonn", "changes": {"priority": "high"}}
    token = client.post("/v1/customers/bulk-update", json=body).json["confirm"]
    assert client.post("/v1/customers/bulk-update", json=body | {"confirm": token}).json["updated"] == 1


def bring_in(imports):
    """Imports that end in each way."""
    file = imports.table(("name", "email"), ("Sofia", "sofia@example.com"), ("Emmy", ""))
    done = imports.run(file)
    changed = imports.run(
        imports.table(("email", "city"), ("sofia@example.com", "Rome")), mode="update", match_by="email"
    )
    assert (done["created_rows"], changed["updated_rows"]) == (2, 1)
    assert imports.step(changed["id"], "revert")["state"] == "reverted"
    assert imports.step(imports.run(imports.table(("name",), ("Gone",)))["id"], "revert")["state"] == "reverted"
    assert imports.step(imports.begin(file).json["id"], "cancel")["state"] == "cancelled"


@pytest.fixture
def hand_over(database, company_id, contracts, superuser):
    """Deactivate the user who has customers, as identity tells of it; another gets them."""

    def run(client):
        example = decode(contracts.example("crm.user_company.deactivated.v1"))
        superuser.execute("INSERT INTO user_refs (company_id, user_id) VALUES (%s, 8)", (company_id,))
        plan = {"customers": {"to": 8}}
        after = {**example.data["after"], "user_id": 7, "transfer_plan": plan}
        event = altered(example, id=str(uuid.uuid4()), company_id=company_id, data={**example.data, "after": after})
        context = Context(company_id=company_id, request_id="the-request", causation_id=event.id)
        with acting_as(context), database.transaction() as session:
            SUBSCRIPTIONS.handlers[event.type](session, event)
        TRANSFERS.work(database, Flag())
        assert client.get("/v1/customers?assigned_to=8&include=total").json["page"]["total"] > 0
        superuser.execute("UPDATE user_refs SET is_active = true WHERE company_id = %s", (company_id,))

    return run


@pytest.fixture
def convert(database, company_id):
    """Conversions of leads that end in each way, as the pipeline tells of them."""

    def tell(action, number, customer):
        wishes = {"customer": customer, "contact": {"create": {"first_name": "Grace"}}}
        data = {"after": {"wishes": wishes}, "own_only": False, "customer_in_use": False}
        hand_to(
            SUBSCRIPTIONS.handlers,
            database,
            neighbours_event(f"conversion.{action}", f"conversions/{number}", company_id, 1, data, actor=7),
        )

    def run():
        new = {"create": {"name": "Hedy"}}
        tell("started", 1, new)
        tell("undone", 1, new)
        tell("started", 2, {"create": {"name": "Hedy", "email": "none"}})
        tell("cancelled", 3, new)

    return run


@pytest.fixture
def refused(imports, superuser, company_id):
    """An import that fails: whoever began it is not active any more when the worker comes."""

    def fail():
        begun = imports.begin(imports.table(("name",), ("Late",))).json["id"]
        superuser.execute("UPDATE user_refs SET is_active = false WHERE company_id = %s", (company_id,))
        assert imports.step(begun, "validate")["state"] == "failed"

    return fail


def test_every_event_is_what_its_contract_says_and_follows_the_one_before(
    *, client, client_of, company_id, imports, published, hand_over, refused, convert, hold_to_contracts
):
    imports.client = client
    tidy(client)
    change_many(client)
    bring_in(imports)
    assert client_of(company_id, "customers:read").post("/v1/customers", json={"name": "Eve"}).status_code == 403
    hand_over(client)
    convert()
    refused()
    events = published()
    hold_to_contracts(events, [*PUBLISHED, ACCESS_DENIED])
    assert_each_follows(events, moving=("customer_imports", "customer_transfers"))


def test_the_states_that_were_told_of_last_are_those_that_are_there(client, published):
    tidy(client)
    change_many(client)
    last = {event["subject"]: event["data"]["after"] for event in published()}
    for noun, path in (("customers", "/v1/customers"), ("contacts", "/v1/contacts")):
        there = {f"{noun}/{row['id']}": row for row in client.get(f"{path}?limit=100").json["data"]}
        live = {
            subject: after
            for subject, after in last.items()
            if subject.startswith(f"{noun}/") and after is not None and after["archived_at"] is None
        }
        assert live == there
