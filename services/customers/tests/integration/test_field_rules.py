"""The seeds' fields: the same lengths, nulls, defaults and words hold by whatever way a value comes in."""

import itertools
import uuid

import pytest
from sqlalchemy import String

from customers import rules
from customers.models import contacts, customers
from customers.schemas.contacts import ContactIn
from customers.schemas.customers import CustomerIn

_names = itertools.count(1)
# Both seeds, united in data-model.md: what a client may set, with its length; text without a bound is None.
LENGTHS = {
    "customer_code": 50,
    "name": 255,
    "email": 255,
    "phone": 50,
    "secondary_phone": 50,
    "address": None,
    "city": 100,
    "state": 100,
    "country": 100,
    "zip_code": 20,
    "industry": 100,
    "company_name": 255,
    "website": 255,
    "source": 100,
    "notes": None,
}
DEFAULTS = {
    "customer_type": "individual",
    "status": "active",
    "priority": "medium",
    "credit_limit": "0.00",
    "tags": [],
    "assigned_to": None,
    "email": None,
    "industry": None,
}
REQUIRED = {"name", "customer_code", "customer_type", "status", "priority", "credit_limit", "tags"}
BOUNDED = [name for name, length in LENGTHS.items() if length and name not in ("email", "industry")]


def post(client, **values):
    return client.post("/v1/customers", json={"name": f"Person {next(_names)}"} | values)


def by_create(client, values):
    answer = post(client, **values)
    return (answer.status_code < 300, answer.json)


def by_patch(client, values):
    answer = client.patch(f"/v1/customers/{post(client).json['id']}", json=values, version=1)
    return (answer.status_code < 300, answer.json)


def by_batch(client, values):
    items = [
        {"action": "create", "values": {"name": f"Person {next(_names)}"} | values},
        {"action": "update", "id": post(client).json["id"], "version": 1, "values": values},
    ]
    created, updated = client.post("/v1/customers/batch", json={"items": items}).json["results"]
    assert "customer_code" in values or (created["status"] < 300) is (updated["status"] < 300)
    return (created["status"] < 300, created.get("record"))


def by_bulk(client, values):
    known = post(client).json["id"]
    body = {"filter": f"id={known}", "changes": values}
    counted = client.post("/v1/customers/bulk-update", json=body)
    if counted.status_code != 200:
        return (False, None)
    done = client.post("/v1/customers/bulk-update", json=body | {"confirm": counted.json["confirm"]})
    return (done.status_code == 200, client.get(f"/v1/customers/{known}").json)


WAYS = [by_create, by_patch, by_batch, by_bulk]


def test_the_columns_are_the_seeds():
    for name, length in LENGTHS.items():
        assert customers.c[name].type.length == length if isinstance(customers.c[name].type, String) else length is None
    settable = set(CustomerIn().fields)
    assert settable == LENGTHS.keys() | {"customer_type", "status", "priority", "credit_limit", "tags", "assigned_to"}
    assert {name for name in settable if not customers.c[name].nullable} == REQUIRED
    assert set(ContactIn().fields) < set(contacts.c.keys())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BOUNDED)
def test_a_text_is_as_long_as_its_column_and_no_longer(client, way, name):
    if name == "customer_code" and way in (by_patch, by_bulk):
        return
    longest = ("ü" if name != "website" else "w") * LENGTHS[name]
    taken, record = way(client, {name: longest})
    assert taken, record
    assert record[name] == longest
    assert not way(client, {name: longest + "x"})[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("blank", ["", "   ", "\t\n", "\u00a0\u2003\u3000"])
def test_what_must_be_there_is_not_blank(client, way, blank):
    assert not way(client, {"name": blank})[0]
    assert not way(client, {"tags": ["vip", blank]})[0]
    assert way in (by_patch, by_bulk) or not way(client, {"customer_code": blank})[0]
    assert way(client, {"name": f"{blank}Ada{uuid.uuid4()}"})[0]


def test_a_blank_is_refused_with_a_sentence_and_as_openapi_says(client, application):
    refused = post(client, name="   ")
    fault = {"pointer": "/name", "code": "invalid", "detail": "A character is wanted that is not blank."}
    assert (refused.status_code, refused.json["errors"]) == (422, [fault])
    assert [fault["detail"] for fault in post(client, name="").json["errors"]] == ["Length must be between 1 and 255."]
    schemas = application.document["components"]["schemas"]
    assert schemas["CustomerIn"]["properties"]["name"]["pattern"] == r"\S"
    assert schemas["IndustryIn"]["properties"]["name"]["pattern"] == r"\S"
    assert schemas["ContactIn"]["properties"]["first_name"]["pattern"] == r"\S"


@pytest.mark.parametrize("way", WAYS)
def test_an_email_is_as_long_as_mail_carries_it_and_no_longer(client, way):
    longest = f"{'a' * 64}@{'x' * 63}.{'y' * 63}.{'z' * 53}.example"
    assert len(longest) == 254
    assert way(client, {"email": longest})[1]["email"] == longest
    assert not way(client, {"email": "a" + longest})[0]
    assert not way(client, {"email": "nobody"})[0]


@pytest.mark.parametrize("way", WAYS)
def test_words_are_those_of_the_seeds(client, way):
    for name, words in (
        ("customer_type", ("individual", "business")),
        ("status", ("active", "inactive", "prospect", "lost")),
        ("priority", ("low", "medium", "high")),
    ):
        for word in words:
            assert way(client, {name: word})[1][name] == word
        assert not way(client, {name: words[0].upper()})[0]
        assert not way(client, {name: "other"})[0]
    assert rules.INDUSTRIES[0] == "Technology"
    assert len(rules.INDUSTRIES) == 9
    for industry in rules.INDUSTRIES:
        assert way(client, {"industry": industry})[0]
    assert not way(client, {"industry": "Alchemy"})[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(CustomerIn().fields))
def test_null_is_taken_where_the_column_takes_it(client, way, name):
    if name == "customer_code" and way in (by_patch, by_bulk):
        return
    taken, record = way(client, {name: None})
    assert taken is (name not in REQUIRED)
    assert not taken or record[name] is None


@pytest.mark.parametrize("way", WAYS)
def test_an_amount_fits_its_column(client, way):
    assert way(client, {"credit_limit": "9999999999999.99"})[1]["credit_limit"] == "9999999999999.99"
    for amount in ("10000000000000", "0.001", "-1", 5, "1e3", ""):
        assert not way(client, {"credit_limit": amount})[0], amount


def test_what_is_not_given_has_the_seeds_defaults(client, imports):
    brought = imports.run(imports.table(("name",), ("Brought",)))
    assert brought["created_rows"] == 1
    [row] = client.get("/v1/customers?name=Brought").json["data"]
    for record in (post(client).json, row):
        assert {name: record[name] for name in DEFAULTS} == DEFAULTS


def test_an_import_judges_as_a_request_does(client, imports):
    """One row for each fault that a request is refused for, and one that is as long as it may be."""
    fields = [name for name in BOUNDED if name != "name"]
    wrong = [(name, "x" * (LENGTHS[name] + 1)) for name in fields]
    wrong += [("email", "nobody"), ("customer_type", "x"), ("status", "x"), ("priority", "x"), ("industry", "Alchemy")]
    wrong += [("credit_limit", "10000000000000"), ("tags", "x" * 51), ("assigned_to", "4711")]
    # Of a code that the service gives out an import makes a warning: exports of other companies are full of them.
    assert not by_create(client, {"customer_code": "C-7"})[0]
    header = ["name", *dict.fromkeys(name for name, _ in wrong)]
    rows = [[f"Wrong {at}", *("" for _ in header[1:])] for at in range(len(wrong))]
    for row, (name, value) in zip(rows, wrong, strict=True):
        row[header.index(name)] = value
        assert not by_create(client, {name: value.split() if name == "tags" else value})[0]
    longest = ["n" * 255, *("x" * LENGTHS[name] if name in fields else "" for name in header[1:])]
    begun = imports.begin(imports.table(tuple(header), *map(tuple, rows), tuple(longest))).json
    body = {"mapping": {name: name for name in header}}
    path = f"/v1/customers/imports/{begun['id']}"
    assert imports.client.patch(path, json=body, version=begun["version"]).status_code == 200
    validated = imports.step(begun["id"], "validate")
    assert (validated["failed_rows"], validated["created_rows"]) == (len(wrong), 1)
    faults = {fault["line"]: fault["column_name"] for fault in imports.errors(begun["id"])}
    assert faults == {line: name for line, (name, _) in enumerate(wrong, 2)}


@pytest.mark.parametrize("way", WAYS)
def test_an_address_of_any_script_is_kept_as_it_was_written(client, way):
    for email in ("m.o'hara@example.ie", "пётр@почта.example", "a&b=c@straße.example"):
        assert way(client, {"email": f"\u200b{email}\u00a0"})[1]["email"] == email
    for wrong in ("a..b@example.com", "a@example..com", "a@-example.com", "a.@example.com"):
        assert not way(client, {"email": wrong})[0]


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_text_is_nothing(client, way):
    optional = ("email", "industry", "company_name", "city", "phone", "notes", "website", "assigned_to")
    record = way(client, dict.fromkeys(optional, " \u200b"))[1]
    assert {record[name] for name in optional} == {None}
