"""Lists of customers: what has no value comes last, and tags."""

import pytest


def listed(client, query=""):
    answer = client.get(f"/v1/customers{query}")
    assert answer.status_code == 200, answer.json
    return [row["name"] for row in answer.json["data"]]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("city", ["B", "D", "A", "C"]),
        ("-city", ["D", "B", "C", "A"]),
        ("city,-name", ["B", "D", "C", "A"]),
        ("status", ["A", "C", "B", "D"]),
        ("-status,name", ["B", "D", "A", "C"]),
    ],
)
def test_who_has_nothing_in_the_field_that_is_sorted_by_comes_last(client, sort, expected):
    for name, city, status in (
        ("A", None, "active"),
        ("B", "Bonn", "prospect"),
        ("C", None, "active"),
        ("D", "Trier", "prospect"),
    ):
        client.post("/v1/customers", json={"name": name, "city": city, "status": status})
    seen, path = [], f"/v1/customers?limit=1&sort={sort}"
    while path:
        answer = client.get(path)
        seen += [row["name"] for row in answer.json["data"]]
        path = answer.headers.get("Link", "").removeprefix("<").partition(">")[0]
    assert seen == listed(client, f"?sort={sort}") == expected


def test_customers_are_listed_counted_changed_and_searched_by_tag(client):
    for name, tags in (("Ada", ["vip", "eu"]), ("Bea", ["vip"]), ("Cleo", ["eu"]), ("Dora", [])):
        client.post("/v1/customers", json={"name": name, "tags": tags})
    assert listed(client, "?tag=vip") == ["Bea", "Ada"]
    assert listed(client, "?tag=vip&tag=eu") == ["Ada"]
    assert listed(client, "?tag=vip&sort=name") == ["Ada", "Bea"]
    assert listed(client, "?tag=eu&name[contains]=da") == ["Ada"]
    assert listed(client, "?tag=vip&q=ada") == ["Ada"]
    assert listed(client, "?tag=VIP") == []
    assert client.get("/v1/customers?tag=vip&limit=1&include=total").json["page"]["total"] == 2
    body = {"filter": "tag=vip", "changes": {"tags": ["eu"]}}
    confirm = client.post("/v1/customers/bulk-update", json=body).json["confirm"]
    assert client.post("/v1/customers/bulk-update", json=body | {"confirm": confirm}).json["updated"] == 2
    assert (listed(client, "?tag=vip"), listed(client, "?tag=eu")) == ([], ["Cleo", "Bea", "Ada"])
