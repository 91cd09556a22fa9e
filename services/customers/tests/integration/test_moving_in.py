"""A company moves in: HubSpot's exports of companies and of contacts, and Google's in German, each as it is proposed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

INPUTS = Path(__file__).parents[1] / "inputs"
BOTH = "customer_and_contact"
UPSERT = {"mode": "upsert", "match_by": "email"}
COUNTS = ("created_rows", "updated_rows", "unchanged_rows", "failed_rows")


def brought(imports: Any, name: str, **options: Any) -> dict[str, Any]:
    """Import a file as it is proposed; every row goes in, as validation has said."""
    begun = imports.begin((INPUTS / f"{name}.csv").read_bytes(), **options).json
    validated = imports.step(begun["id"], "validate")
    done: dict[str, Any] = imports.step(begun["id"], "start")
    assert [validated[count] for count in COUNTS] == [done[count] for count in COUNTS]
    assert (done["state"], done["failed_rows"]) == ("completed", 0), imports.errors(begun["id"])
    return done


def customers_of(imports: Any) -> dict[str, Any]:
    return {row["name"]: row for row in imports.client.get("/v1/customers?limit=100").json["data"]}


@pytest.mark.parametrize("name", sorted(path.stem for path in INPUTS.iterdir()))
@pytest.mark.parametrize("record_type", ["customer", BOTH])
def test_every_export_comes_in_whole_as_proposed(imports: Any, name: str, record_type: str) -> None:
    done = brought(imports, name, record_type=record_type)
    assert done["created_rows"] == done["total_rows"]
    back = imports.step(done["id"], "revert")
    assert (back["reverted_rows"], back["kept_rows"], customers_of(imports)) == (done["total_rows"], 0, {})


def test_companies_and_people_of_hubspot_and_google_are_one_another_s(imports: Any, merge: Callable[..., Any]) -> None:
    brought(imports, "hubspot-companies")
    done = brought(imports, "hubspot-contacts", record_type=BOTH)
    google = brought(imports, "google-german", record_type=BOTH, **UPSERT)
    assert (done["profile"], google["profile"]) == ("hubspot", "google")
    # Camille was there by her address.
    assert (google["created_rows"], google["unchanged_rows"]) == (4, 1)
    customers = customers_of(imports)
    people: dict[str, list[str]] = {}
    names = {row["id"]: name for name, row in customers.items()}
    for row in imports.client.get("/v1/contacts?limit=100").json["data"]:
        people.setdefault(names[row["customer_id"]], []).append(f"{row['first_name']} {row['last_name']}")
    assert {name: sorted(those) for name, those in people.items()} == {
        "Fromagerie du Lac": ["Camille Renard"],
        "Prairie Tools, Inc.": ["John Smithers"],
        "Lund AB": ["Mia Lund"],
        "Blechwerk Ahorn GmbH": ["Jörg P. Weiß", "Änne Wörrlein"],
    }
    assert {"noname@example.com", "Luzie Groß", "Taxi Zentrale", "Prairie Tools"} <= customers.keys()
    firm = customers["Blechwerk Ahorn GmbH"]
    assert (firm["city"], firm["zip_code"], firm["tags"], firm["notes"]) == (
        "Nürnberg",
        "90402",
        ["Lieferanten"],
        "trinkt Tee",
    )
    # They are found by whatever is remembered of them.
    for remembered in ("Wörrlein", "woerrlein", "joerg.weiss@example.com", "0171 4711012", "Blechwerk"):
        found = imports.client.get(f"/v1/customers?q={remembered}").json["data"]
        assert [row["name"] for row in found] == ["Blechwerk Ahorn GmbH"], remembered
    # What was there twice is merged, and the people go along.
    target, source = customers["Prairie Tools, Inc."], customers["Prairie Tools"]
    assert merge(imports.client, target, source).status_code == 200
    again = brought(imports, "hubspot-contacts", record_type=BOTH, **UPSERT)
    assert (again["created_rows"], again["unchanged_rows"]) == (0, 4)
    assert len(customers_of(imports)) == len(customers) - 1
