"""What a file's columns mean, how its rows are read, and that no field of a customer is forgotten on the way."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.rules import merging
from customers.rules.import_files import Parts, column_names, detect_delimiter, detect_encoding, read_rows
from customers.rules.import_mapping import FIELDS, Cells, propose_mapping
from customers.schemas.customers import CustomerIn, CustomerPatch
from customers.schemas.import_rows import RowReader


def test_every_field_that_a_client_may_set_can_be_imported_and_merged() -> None:
    assert set(CustomerIn().fields) <= set(FIELDS)
    assert set(CustomerPatch().fields) == {*merging.FIELDS, "tags"}


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ("First Name,Last Name,Email,Phone Number,Company Name", "name,name,email,phone,company_name"),
        ("Account Name,Billing Street,Billing City,Billing State,Website", "company_name,address,city,state,website"),
        ("Kundennummer,Firma,Telefon,Straße,PLZ,Ort,Land", "customer_code,company_name,phone,address,zip_code,city,country"),
        ("Nom,Courriel,Ville,Pays,Code postal", "name,email,city,country,zip_code"),
        ("E-mail adress,Telephon,Contry", "email,phone,country"),
        ("Lead Source,Owner,Created At,Tags,Notes", "source,assigned_to,created_at,tags,notes"),
    ],
)  # fmt: skip
def test_columns_are_known_by_what_people_and_programs_call_them(columns: str, fields: str) -> None:
    assert list(propose_mapping(columns.split(",")).values()) == fields.split(",")


def test_a_column_that_means_nothing_stays_out_and_no_field_is_filled_twice() -> None:
    assert propose_mapping(["Shoe size", "E-Mail", "Mail", ""]) == {"E-Mail": "email"}


def test_several_columns_go_into_one_text() -> None:
    cells = Cells(["Vorname", "Nachname", "E-Mail"], {"Vorname": "name", "Nachname": "name", "E-Mail": "email"})
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
    assert [list(row.cells) for row in read] == [row for row in rows if any(row)]
    assert [row.line for row in read] == sorted(row.line for row in read)


@settings(deadline=None)  # The first file that is no UTF-8 has to wait for chardet's tables.
@given(st.binary(max_size=2000))
def test_no_file_is_too_strange_to_be_looked_at(content: bytes) -> None:
    assert detect_encoding(content)
    assert detect_delimiter(content.decode("latin-1")) in ",;\t|"


@given(st.lists(st.text(max_size=30), max_size=len(FIELDS)), st.sampled_from(["create", "update"]))
def test_no_row_is_too_strange_to_be_judged(cells: list[str], mode: str) -> None:
    columns = [f"column {number}" for number in range(len(FIELDS))]
    reader = RowReader(columns, dict(zip(columns, FIELDS, strict=True)), mode, "email")
    values, faults = reader(cells)
    assert values.keys().isdisjoint(field for field, *_ in faults)
