"""What the tests over all services need to know of customers."""

from collections.abc import Mapping
from typing import Any

from chassis.testing.batteries import Battery, Owner


def make(owner: Owner, mark: str) -> Mapping[str, Any]:
    """A merged customer with everything that a customer can have, and an import."""
    source = owner.create("/v1/customers", name=mark, email=f"{mark}@example.com")
    customer = owner.create("/v1/customers", name=mark, tags=["vip"])
    path = f"/v1/customers/{customer['id']}"
    contact = owner.create(f"{path}/contacts", first_name=mark)
    imported = owner.create("/v1/customers/imports", filename=mark)
    sources = {"from": [{"id": source["id"], "version": 1}]}
    alike = owner.create("/v1/customers", name=f"{mark} Two")
    [(pair,)] = owner.database.execute(
        "INSERT INTO customer_duplicates (company_id, customer_id, other_id, score, reasons)"
        " VALUES (%s, %s, %s, 60, '[]') RETURNING id",
        (owner.company_id, customer["id"], alike["id"]),
    )
    merged = owner.client.post(f"{path}/merge", json=sources, version=1)
    assert merged.status_code == 200, merged.json
    return {
        "customer_id": customer["id"],
        "contact_id": contact["id"],
        "duplicate_id": pair,
        "merge_id": merged.json["merge"]["id"],
        "import_id": imported["id"],
        "number": 1,
        "tag": "vip",
    }


BATTERY = Battery(
    make=make,
    changes={
        "customers": {"city": "Rome"},
        "contacts": {"first_name": "Mallory"},
        "imports": {"mode": "create"},
    },
    deeds={
        "assign": {"assigned_to": None},
        "contacts": {"first_name": "Mallory"},
        "merge": {"from": [{"id": 2**40, "version": 1}]},
        "preview": {"from": [{"id": 2**40, "version": 1}]},
        "tags": {"tags": ["x"]},
        "uploaded": {"parts": 1},
    },
)
