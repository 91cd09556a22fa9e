"""Files as they come: in any encoding, with any delimiter, and broken ones that say where they are."""

from typing import Any

import pytest

from chassis.testing.fixtures import Client

PATH = "/v1/customers/imports"
CONTENT = "application/octet-stream"


@pytest.fixture
def client(imports: Any) -> Any:
    return imports.client


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "shift_jis", "cp1251", "gb18030"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_common_encoding_and_delimiter_is_read(imports: Any, client: Client, encoding: str, delimiter: str) -> None:
    words = {"shift_jis": "田中太郎 東京", "cp1251": "Ольга Иванова", "gb18030": "王小明 北京"}.get(
        encoding, "Jürgen Müßig"
    )
    rows = [(f"{words} {number}", f"n{number}@b.example", f"{words}, wo?") for number in range(30)]
    content = imports.table(("Name", "E-Mail", "Notes"), *rows, delimiter=delimiter).decode().encode(encoding)
    done = imports.run(content, parts=2)
    assert done["created_rows"] == 30, (done, imports.errors(done["id"])[:3])
    assert imports.names()[0] == f"{words} 0"


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_part"), (b"\n\n", "empty_file"), (b" , ,\nx,y,z\n", "no_header"), (b"a," * 201, "too_many_columns")],
)
def test_what_is_no_table_is_refused_with_a_sentence(imports: Any, client: Client, content: bytes, code: str) -> None:
    begun = client.post(PATH, json={"filename": "x.csv"}).json
    path = f"{PATH}/{begun['id']}"
    put = client.request("PUT", f"{path}/parts/1", data=content, content_type=CONTENT)
    refused = put if put.status_code != 204 else client.post(f"{path}/uploaded", json={"parts": 1})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["code"] == code


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"Name\nAda\n" + "Jürgen".encode("cp1252") + b"\n", "wrong_encoding", 3),
        (b'Name\nAda\n"Bea\n' + b"x\n" * 70_000, "malformed_csv", 3),
    ],
)
def test_a_file_that_turns_out_unreadable_says_where_and_can_be_read_otherwise(
    imports: Any, client: Client, content: bytes, code: str, line: int
) -> None:
    padding = b"Xaver\n" * 20
    content = content.replace(b"Name\n", b"Name\n" + padding, 1)
    begun = imports.begin(content, encoding="utf-8").json
    tried = imports.step(begun["id"], "try")
    assert (tried["state"], tried["error_code"]) == ("uploaded", code)
    assert f"line {line + 20}" in tried["error_detail"]
    if code == "wrong_encoding":
        patched = client.patch(f"{PATH}/{begun['id']}", json={"encoding": "cp1252"}, version=tried["version"])
        assert (patched.json["error_code"], patched.json["encoding"]) == (None, "cp1252")
        assert imports.step(begun["id"], "try")["total_rows"] == 22
