"""Contracts are derived, written so that people can read them, bundled, and shown by examples that never change."""

import json
import subprocess
import sys
from copy import deepcopy

import pytest
from jsonschema import Draft202012Validator
from marshmallow import fields
from sqlalchemy import BigInteger, Column, Integer, MetaData, Numeric, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from chassis.contracts.derive import derive
from chassis.contracts.examples import shape, stable
from chassis.contracts.files import Contracts
from chassis.contracts.text import WIDTH, dumps
from chassis.db.json_view import JsonView
from chassis.web.records import RecordSchema
from sample.events import PUBLISHED

DENIED = "crm.access.denied.v1"
TABLE = Table(
    "parts",
    MetaData(),
    Column("id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("label", String(9)),
    Column("price", Numeric(15, 2), nullable=False),
    Column("document", JSONB, nullable=False),
)


@pytest.fixture
def root(tmp_path):
    """A repository without services: the chassis' own event is all that is published."""
    for folder in ("contracts/events", "libs/chassis/chassis", "deploy/crm"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def titled(root):
    """Its event has a title, and what can be derived is written."""
    path = root / "contracts" / "events" / f"{DENIED}.json"
    path.write_text('{"title": "Somebody was refused"}')
    texts, faults = derive(root)
    assert faults == []
    for file, text in texts.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return root


def test_an_event_without_a_title_is_named(root):
    assert [fault for fault in derive(root)[1] if DENIED in fault] != []


def test_what_is_derived_stays_as_it_is(titled):
    texts, faults = derive(titled)
    assert faults == []
    assert {path.read_text() for path in texts} == set(texts.values())


def test_what_was_written_by_hand_stays_and_what_was_derived_is_put_right(titled):
    path = titled / "contracts" / "events" / f"{DENIED}.json"
    event = json.loads(path.read_text())
    event["properties"]["data"]["properties"] |= {"count": {"type": "integer"}, "after": {"$ref": "nowhere.json"}}
    event["properties"]["type"] = {"const": "another"}
    path.write_text(json.dumps(event))
    (path.parent / "crm.part.sold.v1.json").write_text('{"title": "A part was sold"}')
    texts, faults = derive(titled)
    derived = json.loads(texts[path])["properties"]
    assert derived["type"] == {"const": DENIED}
    assert derived["data"]["properties"]["after"] == {"$ref": "../records/access.json"}
    assert derived["data"]["properties"]["before"] == {"type": "null"}
    assert derived["data"]["properties"]["count"] == {"type": "integer"}
    assert [fault.split(":")[0] for fault in faults] == ["contracts/events/crm.part.sold.v1.json"]


def test_of_a_service_all_but_titles_is_derived(titled):
    """Also that nothing was before what begins: a record that is created, and a transfer that is started."""
    (titled / "services" / "sample").mkdir(parents=True)
    (titled / "services" / "sample" / "pyproject.toml").touch()
    events = titled / "contracts" / "events"
    for event_type in PUBLISHED:
        (events / f"{event_type.name}.json").write_text(json.dumps({"title": event_type.name}))
    texts, _ = derive(titled)

    def sides(name):
        data = json.loads(texts[events / f"crm.{name}.v1.json"])["properties"]["data"]["properties"]
        return data["before"], data["after"]

    nothing, book, transfer = (
        {"type": "null"},
        *({"$ref": f"../records/{one}.json"} for one in ("book", "book_transfer")),
    )
    assert sides("book.created") == (nothing, book)
    assert sides("book.restored") == (book, book)
    assert sides("book.purged") == (book, nothing)
    assert sides("book_transfer.started") == (nothing, transfer)
    assert sides("book_transfer.completed") == (transfer, transfer)
    assert json.loads(texts[titled / "libs" / "chassis" / "chassis" / "owners.json"]) == {
        "access": None,
        **dict.fromkeys(("book", "book_export", "book_transfer", "shelf"), "sample"),
    }


def test_the_command_fails_where_a_file_is_out_of_date(titled):
    def check():
        command = [sys.executable, "-m", "chassis.contracts", "check"]
        return subprocess.run(command, cwd=titled, capture_output=True, text=True, check=False)

    assert check().returncode == 0
    record = titled / "contracts" / "records" / "access.json"
    record.write_text(record.read_text().replace("detail", "reason"))
    stale = check()
    assert stale.returncode == 1
    assert stale.stderr.startswith("contracts/records/access.json is out of date")


def test_a_bundle_refers_to_no_other_file(pytestconfig):
    schema = Contracts(pytestconfig.rootpath).schema(DENIED)
    assert ".json" not in json.dumps(schema).replace("application/json", "").replace(schema["$schema"], "")
    Draft202012Validator.check_schema(schema)
    assert schema["$defs"].keys() == {"envelope", "access"}


@pytest.mark.parametrize("dense", [True, False])
def test_texts_are_narrow_and_say_the_same(dense):
    value = {"short": [1, "Å"], "long": {f"field {number}": {"x": ["y" * 20] * 7} for number in range(5)}, "none": {}}
    text = dumps(value, dense=dense)
    assert json.loads(text) == value
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert '"short": [1, "Å"]' in text


def test_a_schema_has_the_fields_of_its_view_in_their_order():
    class PartOut(RecordSchema, view=JsonView(TABLE, ("id", "version", "label", "price", "document"))):
        document = fields.Dict(required=True)
        more = fields.String()

    schema = PartOut()
    assert list(schema.fields) == ["id", "version", "label", "price", "document", "more"]
    right = {"id": 1, "version": 1, "label": None, "price": "1.50", "document": {}}
    assert schema.validate(right) == {}
    for name, wrong in (
        ("id", 0),
        ("id", 2**63),
        ("version", 0),
        ("label", "x" * 10),
        ("price", "1.555"),
        ("id", None),
    ):
        assert list(schema.validate(right | {name: wrong})) == [name]
    assert schema.validate({}).keys() == right.keys()


def test_what_no_column_says_must_be_declared():
    view = JsonView(TABLE, ("id", "document", "name"), extra=[(TABLE.c.label + "!").label("name")])
    with pytest.raises(TypeError, match=r"parts\.document"):
        type(RecordSchema)("PartOut", (RecordSchema,), {"name": fields.String()}, view=view)
    with pytest.raises(TypeError, match=r"parts\.name"):
        type(RecordSchema)("PartOut", (RecordSchema,), {"document": fields.Dict()}, view=view)


EVENT = {
    "id": "0199c5a1-1111-7222-8333-444455556666",
    "subject": "parts/7",
    "time": "2026-05-04T10:00:00.000900Z",
    "companyid": 918273,
    "actorip": "127.0.0.1",
    "useragent": None,
    "causationid": "0199c5a1-1111-7222-8333-444455556666",
    "data": {
        "before": None,
        "after": {
            "id": 7,
            "company_id": 918273,
            "email": "ann-5f3c@acme.example",
            "created_at": "2026-05-04T10:00:00.0001+00:00",
            "expires_at": "2026-05-05T10:00:01.5+00:00",
        },
        "changed": [],
    },
}


def test_an_example_is_the_same_whenever_it_is_taken():
    def another(text):
        for old, new in (
            ("0199c5a1", "0299c5a1"),
            ("918273", "5"),
            ("ann-5f3c", "ann-77"),
            ("10:00:00.000900", "23:59:58.100000"),
            ("10:00:00.0001", "23:59:58.09"),
            ("2026-05-05T10:00:01.5", "2026-05-05T23:59:59"),
        ):
            text = text.replace(old, new)
        return json.loads(text)

    before = deepcopy(EVENT)
    example = stable(EVENT, {"ann-5f3c@": "ann@"})
    assert example == stable(another(json.dumps(EVENT)), {"ann-77@": "ann@"})
    assert before == EVENT
    assert example["companyid"] == example["data"]["after"]["company_id"] == 42
    assert (example["actorip"], example["useragent"]) == ("192.0.2.1", None)
    assert example["id"] == example["causationid"]
    after = example["data"]["after"]
    assert after["email"] == "ann@acme.example"
    assert after["created_at"] < example["time"] < after["expires_at"]
    assert after["expires_at"].startswith("2026-11-23T09:00:")
    assert shape(example) == shape(EVENT)
    del after["email"]
    assert shape(example) != shape(EVENT)
