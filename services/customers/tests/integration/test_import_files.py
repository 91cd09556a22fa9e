"""Files as they come: in any encoding, with any delimiter, and broken ones that say where they are."""

from threading import Event as Flag
from typing import Any

import psycopg
import pytest

from chassis.db.session import Database
from chassis.testing.fixtures import Client
from customers.handlers import purge_imports
from imports.engine import lifecycle

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


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    "names", [["Jürgen Weiß", "Łódź Żółw"], ["Иван Щукин", "Ёлка"], ["Ελένη", "김철수"], ["Zoë “Z” Å", "Ñandú €"]]
)
def test_what_was_encoded_twice_is_read_as_it_was_once(imports: Any, mark: str, names: list[str]) -> None:
    rows = imports.table(("Name", "Ort"), *((name, "Köln") for name in names))
    # As programs do it, which leave the bytes that Windows-1252 does not know as they are.
    shown = "".join(bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in rows)
    begun = imports.begin(f"{mark}{shown}".encode())
    assert (begun.json["encoding"], begun.json["columns"][1]["samples"]) == ("utf-8-twice", ["Köln", "Köln"])
    imports.step(begun.json["id"], "validate")
    imports.step(begun.json["id"], "start")
    assert imports.names() == sorted(names)


@pytest.mark.parametrize("text", ["É® and Â°", "São Paulo, Ålesund", "Ã", "Müller, Ã¼ber", "Łódź and Ã¼"])
def test_what_could_be_meant_is_not_taken_for_encoded_twice(imports: Any, text: str) -> None:
    begun = imports.begin(imports.table(("Name", "Ort"), (text, "Łódź"), ("Zoë", "Málaga"))).json
    assert (begun["encoding"], begun["columns"][0]["samples"][0]) == ("utf-8", text)


ROW = "Name;Ort;Kreditlimit\r\nAda;Bonn;100,50\r\n"


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (ROW + "Summe;;100,50\r\n", ["Ada"]),
        (ROW + ";;\r\nGesamtsumme:;;100,50 €\r\n", ["Ada"]),
        (ROW + "Grand Total (1 record);;\r\n", ["Ada"]),
        (ROW + "Total: 1;;\r\n", ["Ada"]),
        (ROW + "Итого;;100,50\r\n\r\nExported from the ledger of Ahorn GmbH;;\r\n", ["Ada"]),
        (ROW + ";;\r\nConfidential. Do not distribute.;;\r\nAll rights reserved.;;\r\n", ["Ada"]),
        ("Kundenliste;Stand 28.11.2026;\r\n;;\r\n" + ROW, ["Ada"]),
        # What may be a customer is one: with more than amounts, in the midst, or by its name alone.
        (ROW + "Total;Paris;\r\n", ["Ada", "Total"]),
        (ROW + "Total;;\r\n", ["Ada", "Total"]),
        (ROW + "Summe;;1\r\nBen;Köln;\r\n", ["Ada", "Ben", "Summe"]),
        (ROW + ";;\r\nBen Ode;;\r\n", ["Ada", "Ben Ode"]),
        (
            ROW + "\r\nErste Allgemeine Verwaltung und Partner;;\r\nBen;;\r\n",
            ["Ada", "Ben", "Erste Allgemeine Verwaltung und Partner"],
        ),
    ],
)
def test_sums_and_notes_around_a_table_are_no_customers(imports: Any, content: str, names: list[str]) -> None:
    done = imports.run(content.encode())
    assert (done["failed_rows"], imports.names()) == (0, names)


def test_errors_of_a_spreadsheet_are_no_values_and_are_told(imports: Any, client: Client) -> None:
    rows = [("Ada", "#ERROR!", "#N/A"), ("Ben", "########", "53111"), ("Cid", "493055500011.0", "#BEZUG!")]
    done = imports.run(imports.table(("Name", "Telefon", "PLZ"), *rows))
    assert (done["created_rows"], done["failed_rows"]) == (3, 0)
    found = {row["name"]: (row["phone"], row["zip_code"]) for row in client.get("/v1/customers").json["data"]}
    assert found == {"Ada": (None, None), "Ben": (None, "53111"), "Cid": ("493055500011", None)}
    told = {(fault["line"], fault["column_name"]) for fault in imports.errors(done["id"], "warning")}
    assert told == {(2, "Telefon"), (2, "PLZ"), (3, "Telefon"), (4, "PLZ")}


@pytest.mark.parametrize("mapping", [None, {"Stadt,Land": "name"}])
def test_a_file_that_was_divided_wrongly_is_read_anew_and_its_columns_are_proposed_or_said(
    imports: Any, client: Client, mapping: dict[str, str] | None
) -> None:
    begun = imports.begin(b"Kunde|E-Mail|Stadt,Land\nAda|a@b.example|Bonn\n", delimiter=",").json
    assert begun["mapping"] == {"Land": "country"}
    change = {"delimiter": "|"} | ({} if mapping is None else {"mapping": mapping})
    path = f"{PATH}/{begun['id']}"
    refused = client.patch(path, json={"delimiter": "|", "mapping": {"Ort": "name"}}, headers={"If-Match": '"2"'})
    assert refused.json["detail"] == "The file has no column 'Ort'."
    changed = client.patch(path, json=change, headers={"If-Match": '"2"'})
    assert changed.status_code == 200, changed.text
    assert [column["name"] for column in changed.json["columns"]] == ["Kunde", "E-Mail", "Stadt,Land"]
    assert changed.json["mapping"] == (mapping or {"Kunde": "name", "E-Mail": "email"})


def test_a_file_said_to_be_in_an_encoding_whose_mark_it_lacks_is_refused_with_a_sentence(
    imports: Any, client: Client
) -> None:
    content = "Name\nAda\n".encode("utf-16-le")
    refused = imports.begin(content, encoding="utf-16")
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "wrong_encoding")
    begun = imports.begin(content).json
    again = client.patch(f"{PATH}/{begun['id']}", json={"encoding": "utf-32"}, headers={"If-Match": '"2"'})
    assert (again.status_code, again.json["errors"][0]["code"]) == (422, "wrong_encoding")


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_part"), (b"\n\n", "empty_file"), (b" , ,\n", "empty_file"), (b"a," * 201, "too_many_columns")],
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
    validated = imports.step(begun["id"], "validate")
    assert (validated["state"], validated["error_code"]) == ("uploaded", code)
    assert f"line {line + 20}" in validated["error_detail"]
    if code == "wrong_encoding":
        patched = client.patch(f"{PATH}/{begun['id']}", json={"encoding": "cp1252"}, version=validated["version"])
        assert (patched.json["error_code"], patched.json["encoding"]) == (None, "cp1252")
        assert imports.step(begun["id"], "validate")["total_rows"] == 22


def test_a_mapping_holds_that_is_said_together_with_how_the_file_is_read(imports: Any, client: Client) -> None:
    begun = imports.begin("Größe;Name\nXL;Ada\n".encode("cp1252"), encoding="cp1251").json
    change = {"encoding": "cp1252", "mapping": {"Größe": "notes", "Name": "name"}}
    patched = client.patch(f"{PATH}/{begun['id']}", json=change, version=begun["version"])
    assert (patched.status_code, patched.json["mapping"]) == (200, change["mapping"])


def test_a_proposal_for_columns_that_were_misread_gives_way_to_a_new_one(imports: Any, client: Client) -> None:
    begun = imports.begin("Numéro client;Nom\nK-1;Ada\n".encode("cp1252"), encoding="cp1251").json
    assert len(begun["mapping"]) == 2
    patched = client.patch(f"{PATH}/{begun['id']}", json={"encoding": "cp1252"}, version=begun["version"])
    assert (patched.status_code, patched.json.get("mapping")) == (
        200,
        {"Numéro client": "customer_code", "Nom": "name"},
    )


def test_another_delimiter_leaves_the_encoding_that_was_said(imports: Any, client: Client) -> None:
    begun = imports.begin("Name|Größe;Ort\n".encode("cp1252"), encoding="cp1251", delimiter="|").json
    patched = client.patch(f"{PATH}/{begun['id']}", json={"delimiter": ";", "mapping": {"Ort": "name"}}, version=2)
    assert (patched.status_code, patched.json["encoding"], patched.json["delimiter"]) == (200, "cp1251", ";")


@pytest.mark.parametrize("name", ["unicode_escape", "punycode", "idna", "zip", "rot13", "utf-7", "nonsense", "\x00"])
def test_what_is_no_encoding_of_files_is_refused(client: Client, name: str) -> None:
    refused = client.post(PATH, json={"filename": "x.csv", "encoding": name})
    assert refused.status_code == 422


@pytest.mark.parametrize(("header", "code"), [(b"Name,a\x00b", "column_name"), (b"Name," + b"x" * 256, "column_name")])
def test_a_header_that_cannot_be_kept_is_refused(imports: Any, header: bytes, code: str) -> None:
    refused = imports.begin(header + b"\nAda,x\n", encoding="utf-8", delimiter=",")
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, code)


def test_cells_of_any_kind_harm_nobody(imports: Any) -> None:
    cells = [
        "\x00",
        "\\u0000",
        "\\",
        "\ud7ff\U0010ffff",
        "'=1+1",
        "\x0b\x1c\u2028",
        "<script>",
        "%s{}",
        '"',
        "-",
        "x" * 300,
    ]
    rows = [(f"N{number} {cell}", cell) for number, cell in enumerate(cells)]
    content = imports.table(("Name", "E-Mail"), ("Ada", "ada@b.example"), *rows)
    done = imports.run(content, encoding="utf-8", delimiter=",")
    # What is blank is no address at all, nor is what people write for nothing.
    assert (done["created_rows"], done["failed_rows"]) == (3, len(cells) - 2)
    assert {error["code"] for error in imports.errors(done["id"])} == {"invalid_value"}
    assert imports.client.get(f"{PATH}/{done['id']}/errors.csv").status_code == 200


def test_long_rows_make_small_chunks(
    imports: Any, monkeypatch: pytest.MonkeyPatch, superuser: psycopg.Connection
) -> None:
    monkeypatch.setattr(lifecycle, "LONGEST_CHUNK", 10_000)
    done = imports.run(imports.table(("Name", "Notes"), *((f"N{number}", "x" * 6000) for number in range(9))))
    sizes = superuser.execute(
        "SELECT size FROM import_chunks WHERE import_id = %s ORDER BY number", (done["id"],)
    ).fetchall()
    assert [size for (size,) in sizes] == [2, 2, 2, 2, 1]


def test_what_nobody_goes_on_with_is_deleted(imports: Any, superuser: psycopg.Connection, database: Database) -> None:
    content = imports.table(("Name", "E-Mail"), ("Ada", ""), ("Bea", "nonsense"))
    left, over = imports.begin(content).json["id"], imports.run(content)["id"]

    def kept(import_id: int) -> list[int]:
        tables = ("import_parts", "import_chunks", "import_errors")
        query = "SELECT count(*) FROM {} WHERE import_id = %s"
        return [superuser.execute(query.format(table), (import_id,)).fetchone()[0] for table in tables]  # type: ignore[index]

    assert (kept(left), kept(over)) == ([1, 0, 0], [0, 1, 1])
    superuser.execute(
        "UPDATE customer_imports SET updated_at = now() - interval '4 days' WHERE id IN (%s, %s)", (left, over)
    )
    purge_imports(database, Flag())
    assert (kept(left), kept(over)) == ([0, 0, 0], [0, 1, 1])
    changed = imports.client.patch(f"{PATH}/{left}", json={"encoding": "cp1252"}, version=imports.get(left)["version"])
    assert (changed.status_code, changed.json["code"]) == (409, "import_expired")
    assert imports.step(left, "validate")["error_code"] == "import_expired"
    superuser.execute("UPDATE customer_imports SET updated_at = now() - interval '32 days' WHERE id = %s", (over,))
    purge_imports(database, Flag())
    assert kept(over) == [0, 0, 0]


def test_an_amount_that_cannot_be_is_refused_in_words_for_who_has_a_file(imports):
    amounts = ("(5,00)", "1,005", "99.999.999.999.999,00", "17,50 Euro")
    done = imports.run(imports.table(("Name", "Kreditlimit"), *((f"Eva {text}", text) for text in amounts)))
    told = {error["line"]: error["message"] for error in imports.errors(done["id"])}
    assert done["created_rows"] == 1
    assert told.keys() == {2, 3, 4}
    assert all("below zero, has more than two decimals, or is too large" in message for message in told.values())
    assert told[2].startswith("-5.00 ")
