"""What the tests over all services need to know of audit."""

import uuid
from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from chassis.testing.batteries import Battery, Owner


def make(owner: Owner, mark: str) -> Mapping[str, Any]:
    """An entry about a record; entries are made by events alone, and no path names one."""
    record_id = 2**40
    owner.database.execute(
        """
        INSERT INTO audit_logs
            (company_id, event_id, event_type, source, table_name, record_id, action, new_values, created_at)
        VALUES (%s, %s, 'crm.customer.created.v1', 'customers', 'customers', %s, 'created', %s, now())
        """,
        (owner.company_id, uuid.uuid4(), record_id, Jsonb({"name": mark})),
    )
    return {"record_id": record_id}


BATTERY = Battery(make=make)
