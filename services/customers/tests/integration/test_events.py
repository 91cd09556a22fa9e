"""What the service records is what its contracts promise; what it consumes has one effect whatever the order."""

import orjson

from customers.commands.customers import create_customer


def test_every_recorded_event_keeps_its_contract(client, superuser, company_id, validate_event):
    body = client.post("/v1/customers", json={"name": "Ada", "email": "ada@example.com", "tags": ["a"]}).json
    path = f"/v1/customers/{body['id']}"
    client.patch(path, json={"credit_limit": "9.90"}, version=1)
    client.delete(path, version=2)
    client.post(f"{path}/restore")
    rows = superuser.execute(
        "SELECT type, body FROM outbox WHERE company_id = %s ORDER BY id", (company_id,)
    ).fetchall()
    assert len({event_type for event_type, _ in rows}) == 4
    for version, (event_type, event) in enumerate(rows, 1):
        document = orjson.loads(event)
        assert document["type"] == event_type
        validate_event(document)
        assert document["aggregateversion"] == version
        assert document["correlationid"]
        assert document["actor"] == "7"


def test_a_rollback_leaves_neither_customer_nor_event(session, superuser, company_id):
    create_customer(session, {"name": "Ada"})
    session.rollback()
    for table in ("customers", "outbox", "user_refs", "customer_codes"):
        assert superuser.execute(f"SELECT FROM {table} WHERE company_id = %s", (company_id,)).fetchone() is None
