"""Brings customers from a CSV file into the CRM: new ones are created, changed ones changed, others left alone.

    pip install -r requirements.txt
    export CRM_URL=https://crm.example/v1 CRM_API_KEY=…
    python sync_customers.py customers.csv

The first line names the fields; `customer_code` says which customer a row is. The key needs the scopes customers:read
and customers:write. It may be run again, and goes on after a failure. For files of more than some thousand rows use
the CRM's own imports, which take them whole.
"""

import argparse
import csv
import hashlib
import json
import os
from collections import Counter
from typing import Any

from crm_api import Crm, Problem

ROWS = 100  # As many codes as one list may ask for.
Row = dict[str, Any]


def read(path: str) -> list[Row]:
    """The rows of the file; an empty cell means that the field has no value."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        return [{name: cell.strip() or None for name, cell in row.items()} for row in csv.DictReader(file)]


def sync(crm: Crm, rows: list[Row]) -> Counter[str]:
    """Create and change what is needed; says of each row that is refused why, and goes on."""
    done: Counter[str] = Counter()
    for begin in range(0, len(rows), ROWS):
        part = rows[begin : begin + ROWS]
        known = find(crm, [row["customer_code"] for row in part])
        for row in part:
            try:
                done[bring(crm, row, known.get(row["customer_code"]))] += 1
            except Problem as problem:
                done["refused"] += 1
                print(f"{row['customer_code']}: {problem}")
    return done


def find(crm: Crm, codes: list[str]) -> dict[str, Row]:
    """The customers with these codes."""
    wanted = {"customer_code[in]": ",".join(codes), "limit": ROWS}
    return {
        customer["customer_code"]: customer for customer in crm.ask("GET", "/customers", params=wanted).json()["data"]
    }


def bring(crm: Crm, row: Row, customer: Row | None) -> str:
    """Make the customer what the row says; answers what that took."""
    if customer is None:
        given = {name: value for name, value in row.items() if value is not None}
        # Made of the row itself: whoever sends it twice, after a time-out say, creates one customer.
        key = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
        crm.ask("POST", "/customers", json=given, headers={"Idempotency-Key": key})
        return "created"
    changed = {name: value for name, value in row.items() if customer[name] != value}
    if not changed:
        return "unchanged"
    # The version that the row was compared with: who has changed the customer meanwhile is not overwritten (412).
    headers = {"If-Match": f'"{customer["version"]}"'}
    crm.ask("PATCH", f"/customers/{customer['id']}", json=changed, headers=headers)
    return "changed"


def main() -> None:
    """Sync one file; fails where a row was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    done = sync(Crm(os.environ["CRM_URL"], os.environ["CRM_API_KEY"]), read(parser.parse_args().file))
    print(", ".join(f"{done[what]} {what}" for what in ("created", "changed", "unchanged", "refused")))
    raise SystemExit(1 if done["refused"] else 0)


if __name__ == "__main__":
    main()
