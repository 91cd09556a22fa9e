"""What a file's columns mean, how its rows are read, and that no field of a customer is forgotten on the way."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.rules import merging
from customers.rules.import_fields import CATALOGUE
from customers.schemas.customers import CustomerIn, CustomerPatch
from customers.schemas.import_rows import RowReader
from customers.views import CUSTOMER
from imports.cells import Cells
from imports.files import (
    LONGEST_ROW,
    MalformedFile,
    Parts,
    column_names,
    detect_delimiter,
    detect_encoding,
    read_header,
    read_rows,
)
from imports.proposal import Column, propose


def test_a_merge_decides_over_every_field_that_a_client_may_set_and_no_other() -> None:
    assert set(CustomerPatch().fields) == {*merging.merged_fields(CUSTOMER.columns), "tags"}


def proposed(columns: list[str]) -> dict[str, str]:
    return propose([Column(name, ()) for name in columns], CATALOGUE).mapping


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ("First Name,Last Name,Email,Phone Number,Company Name", "name,name,email,phone,company_name"),
        ("Account Name,Billing Street,Billing City,Billing State,Website", "name,address,city,state,website"),
        ("Kundennummer,Firma,Telefon,Straße,PLZ,Ort,Land", "customer_code,name,phone,address,zip_code,city,country"),
        ("Nom,Courriel,Ville,Pays,Code postal", "name,email,city,country,zip_code"),
        ("E-mail adress,Telephon,Contry", "email,phone,country"),
        ("Lead Source,Owner,Created At,Tags,Notes", "source,assigned_to,created_at,tags,notes"),
    ],
)  # fmt: skip
def test_columns_are_known_by_what_people_and_programs_call_them(columns: str, fields: str) -> None:
    assert list(proposed(columns.split(",")).values()) == fields.split(",")


def test_a_column_that_means_nothing_stays_out_and_no_field_is_filled_twice() -> None:
    assert proposed(["Shoe size", "Kunde", "Status", "Statut", ""]) == {"Kunde": "name", "Status": "status"}


def test_several_columns_go_into_one_text() -> None:
    mapping = {"Vorname": "name", "Nachname": "name", "E-Mail": "email"}
    cells = Cells(["Vorname", "Nachname", "E-Mail"], mapping, CATALOGUE)
    assert cells(["Ada ", "", "a@b.example"]) == {"name": "Ada", "email": "a@b.example"}
    assert cells(["Ada", "Lovelace"]) == {"name": "Ada Lovelace"}


def test_columns_of_one_name_are_told_apart() -> None:
    assert column_names(["Phone", "Phone", "", "Phone (2)"]) == ["Phone", "Phone (2)", "Column 3", "Phone (2) (2)"]


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@given(
    rows=st.lists(st.lists(CELL, min_size=2, max_size=4), min_size=1, max_size=8),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    size=st.integers(1, 50),
)
def test_any_table_is_read_as_it_was_written_however_it_is_cut(
    rows: list[list[str]], encoding: str, delimiter: str, size: int
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    content = text.getvalue().encode(encoding)
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    read = list(read_rows(io.BufferedReader(Parts(parts)), encoding, delimiter))
    assert [list(row.cells) for row in read] == [row for row in rows if any(map(str.strip, row))]
    assert [row.line for row in read] == sorted(row.line for row in read)


@settings(deadline=None)  # The first file that is no UTF-8 has to wait for chardet's tables.
@given(st.binary(max_size=2000))
def test_no_file_is_too_strange_to_be_looked_at(content: bytes) -> None:
    assert detect_encoding(content)
    assert detect_delimiter(content.decode("latin-1")) in ",;\t|"


@settings(deadline=None)  # Whoever is the first waits for clevercsv.
@given(st.binary(max_size=300), st.sampled_from(["utf-8", "utf-16", "utf-32", "hz", "iso2022-jp", "shift_jis"]))
def test_a_file_is_read_or_refused_with_a_sentence_in_whatever_encoding_it_is_said_to_be(
    content: bytes, encoding: str
) -> None:
    with suppress(MalformedFile):
        beginning = read_header(content, encoding, None, whole=True)
        list(read_rows(io.BytesIO(content), encoding, beginning.delimiter, beginning.line))


def test_a_nul_among_the_columns_is_no_reason_to_give_up() -> None:
    assert detect_delimiter('\x00(5,b;c\n"\x00,;|\n') in ",;"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_without_its_byte_order_mark_says_so(encoding: str) -> None:
    content = "Name\nAda\n".encode(f"{encoding}-le")
    with pytest.raises(MalformedFile, match="byte order mark"):
        read_header(content, encoding, None, whole=True)
    with pytest.raises(MalformedFile, match="byte order mark"):
        list(read_rows(io.BytesIO(content), encoding, ","))


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04\x14\x00", b"\xd0\xcf\x11\xe0\xa1\xb1", b"%PDF-1.7\n", b"\x1f\x8b\x08\x00"]
)
def test_a_workbook_or_an_archive_is_not_taken_for_a_table(content: bytes) -> None:
    with pytest.raises(MalformedFile, match="save it as CSV"):
        read_header(content * 100, detect_encoding(content), None, whole=True)


def test_rows_are_not_swallowed_by_a_quotation_mark_that_is_never_closed() -> None:
    with pytest.raises(MalformedFile) as fault:
        list(read_rows(io.BytesIO(b'Name,City\nAda,Bonn\n"Bea,Rome\nCy,Oslo\n'), "utf-8", ","))
    assert fault.value.line == 3


@pytest.mark.parametrize("piece", ["a,", '"\n",'])
def test_no_more_of_a_file_is_held_than_the_longest_row(piece: str) -> None:
    class Endless(io.RawIOBase):
        read_bytes = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:
            Endless.read_bytes += len(buffer)
            buffer[:] = (piece * len(buffer)).encode()[: len(buffer)]
            return len(buffer)

    with pytest.raises(MalformedFile, match="characters"):
        list(read_rows(io.BufferedReader(Endless(), len(piece) * 1000), "utf-8", ","))
    assert Endless.read_bytes < 2 * LONGEST_ROW + 100_000


@pytest.mark.parametrize(
    ("field", "text"),
    [("tags", "a;" + "b" * 51), ("tags", "\x00"), ("assigned_to", "9" * 5000), ("id", "9" * 5000)],
    ids=["long tag", "NUL in a tag", "long user", "long id"],
)
def test_a_cell_that_no_field_takes_is_a_fault_in_plain_words(field: str, text: str) -> None:
    row = RowReader(["A column"], {"A column": field}, "update", None, options={})(2, [text])
    assert row.values == {}
    assert [(fault.field, fault.code) for fault in row.faults] == [(field, "invalid_value")]
    assert row.faults[0].message in (
        "Length must be between 1 and 50.",
        "A line break or another control character is not allowed here.",
        "A positive whole number is wanted.",
    )


COLUMNS = tuple(CATALOGUE.by_name)


def test_whatever_a_client_can_say_of_a_customer_a_column_can_go_into() -> None:
    assert set(COLUMNS) == {"id", *CustomerIn().load_fields, "created_at"}


@given(st.lists(st.text(max_size=30), max_size=len(COLUMNS)), st.sampled_from(["create", "update"]))
def test_no_row_is_too_strange_to_be_judged(cells: list[str], mode: str) -> None:
    columns = [f"column {number}" for number in range(len(COLUMNS))]
    row = RowReader(columns, dict(zip(columns, COLUMNS, strict=True)), mode, "email", options={})(2, cells)
    assert row.values.keys().isdisjoint(fault.field for fault in row.faults)
