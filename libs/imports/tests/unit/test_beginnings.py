"""How a file begins: what says its delimiter, what stands above its columns, and what below its rows is no row."""

import io
import time

import pytest

from imports.files import DELIMITERS, detect_delimiter, detect_encoding, read_header, read_rows


def rows_of(text: str, encoding: str = "utf-8", **names: str) -> tuple[list[str], list[list[str]]]:
    content = text.encode(encoding)
    known = set(names.get("known", "Name City").split())
    beginning = read_header(content, encoding, None, whole=True, is_header=known.__contains__)
    rows = list(read_rows(io.BytesIO(content), encoding, beginning.delimiter, beginning.line))
    assert len(rows[0].cells) == len(beginning.names)
    return beginning.names, [list(row.cells) for row in rows[1:]]


@pytest.mark.parametrize("sign", [";", ",", "|", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_line_that_says_the_delimiter_is_no_row(sign: str, end: str, encoding: str) -> None:
    text = end.join((f"sep={sign}", f"Name{sign}City", f"Ada{sign}Bonn", ""))
    assert rows_of(text, encoding) == (["Name", "City"], [["Ada", "Bonn"]])


@pytest.mark.parametrize(
    "titles", ["Members 2025;;\n", "Members 2025\n", ";;\nMembers;;\nas of May;;\n\n", '"Members\nof 2025";;\n']
)
def test_titles_above_the_names_of_columns_are_left_out(titles: str) -> None:
    names, rows = rows_of(f"{titles}Name;City;Zip\nAda;Bonn;1\n")
    assert (names, rows) == (["Name", "City", "Zip"], [["Ada", "Bonn", "1"]])


def test_a_single_column_has_no_title() -> None:
    assert rows_of("Name\nAda\nBea\n") == (["Name"], [["Ada"], ["Bea"]])
    assert rows_of("Thing\nAda\nBea\n") == (["Thing"], [["Ada"], ["Bea"]])
    assert rows_of("Name;\nAda;Bonn\n") == (["Name", "Column 2"], [["Ada", "Bonn"]])


def test_notes_below_a_report_are_no_rows_and_short_rows_are() -> None:
    text = 'Name,City,Zip\nAda\nBea,Rome\n\n\n"Report of sales"\nConfidential\n'
    assert rows_of(text)[1] == [["Ada"], ["Bea", "Rome"]]
    assert rows_of("Name,City\nAda,Bonn\n\nBea\n")[1] == [["Ada", "Bonn"], ["Bea"]]


def test_a_row_of_blanks_is_none() -> None:
    assert rows_of("Name,City\n  , \nAda,Bonn\n")[1] == [["Ada", "Bonn"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("quote", ['"', ""])
@pytest.mark.parametrize("marks", ["", "\ufeff", "\ufeff\ufeff"])
def test_a_byte_order_mark_is_no_part_of_what_it_stands_before(encoding: str, quote: str, marks: str) -> None:
    text = f"{marks}{quote}Name{quote},City\r\nAda,Bonn\r\n"
    assert rows_of(text, encoding) == (["Name", "City"], [["Ada", "Bonn"]])


def test_a_mark_inside_of_quotes_is_no_part_of_a_column_s_name() -> None:
    assert rows_of('"\ufeffName","City\ufeff"\nAda,Bonn\n')[0] == ["Name", "City"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_with_marks_that_were_put_together_are_one(encoding: str) -> None:
    one, two = "Name,City\nAda,Bonn\n", '\ufeff"Name",City\n"Bea","Rome\n\ufeffItaly"\n'
    assert rows_of(one + two, encoding)[1] == [["Ada", "Bonn"], ["Bea", "Rome\n\ufeffItaly"]]
    assert rows_of(f"{one}\ufeffCleo,Kiel\n", encoding)[1] == [["Ada", "Bonn"], ["Cleo", "Kiel"]]
    # Without a mark it may be somebody's data.
    assert rows_of(one + one, encoding)[1] == [["Ada", "Bonn"], ["Name", "City"], ["Ada", "Bonn"]]


@pytest.mark.parametrize(
    "cell", ["a@" + "a." * 1950, "a." * 1950 + "@a", "http://" + "a." * 1900 + "!", "1." * 1950, "Ω" * 3900 + "\x01"]
)
def test_a_cell_without_an_end_costs_the_look_at_a_file_nothing(cell: str) -> None:
    # The patterns that cells are tried against took up to 0.7 seconds, in which a process did nothing else.
    assert detect_delimiter("a,b;c\n1,2;3\n") in DELIMITERS  # Loads the library.
    begin = time.process_time()
    assert detect_delimiter(f"a,b;c|d\te\n{cell}") in DELIMITERS
    assert time.process_time() - begin < 0.1


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_long_cells_change_nothing_of_what_divides_them(delimiter: str) -> None:
    note = "is a long text with blanks; and semicolons, commas | and bars " * 8
    row = delimiter.join(("1", "Ada", f'"{note}"', "a@b.example"))
    names = delimiter.join(("id", "name, title; more", "note", "email"))
    assert detect_delimiter(f"{names}\n" + f"{row}\n" * 5) == delimiter


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp874", "ชื่อ,อีเมล,บริษัท\r\nสมชาย ใจดี,s@x.example,บริษัท อัลฟา จำกัด\r\n"),
        ("cp874", "ชื่อ,จังหวัด\r\nวิชัย ทองดี,เชียงใหม่\r\n"),
        ("mac_roman", "Name;E-Mail;Ort;Notiz\rÄnne Müßig;a@x.example;Köln;größer\r"),
        ("mac_roman", "Prénom;Ville\rRené;Besançon\rZoé;Orléans\r"),
        ("cp1252", "Name;Ort\r\nÄnne Müßig;Köln\r\n"),
        ("cp1250", "Prenume;Oraş\nŞtefan;Timişoara\nGheorghe;Iaşi\n"),
        ("cp1254", "Ad;Şehir\r\nI\u015f\u0131l;İstanbul\r\n"),
        ("cp1257", "Vardas;Pavardė;Miestas\nŽydrūnas;Šimkus;Šiauliai\n"),
    ],
)
def test_the_encoding_is_told_by_a_few_rows(encoding: str, text: str) -> None:
    assert text.encode(encoding).decode(detect_encoding(text.encode(encoding))) == text
