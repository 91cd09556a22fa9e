"""What the rows of a file seem to be: of the exports that people brought, and of tables that they made themselves."""

from pathlib import Path

import pytest

from customers.rules.import_fields import CATALOGUE
from customers.rules.record_types import CONTACT, CUSTOMER, CUSTOMER_AND_CONTACT, record_type_of
from imports.files import detect_encoding, read_header
from imports.proposal import Column

INPUTS = Path(__file__).parents[1] / "inputs"
OF_COMPANIES_OR_PEOPLE_ALONE = {
    "hubspot-companies",
    "mailchimp-audience",
    "pipedrive-organizations",
    "salesforce-accounts-report-1252",
}
OWN = (*CATALOGUE.own, "company_name", "phone")


def columns_of(header: str, *rows: str) -> list[Column]:
    cells = [row.split(";") for row in rows]
    return [
        Column(name, [row[index] for row in cells if index < len(row)]) for index, name in enumerate(header.split(";"))
    ]


@pytest.mark.parametrize("path", sorted(INPUTS.iterdir()), ids=lambda path: path.stem)
def test_exports_are_of_companies_of_people_or_of_both(path: Path) -> None:
    content = path.read_bytes()
    beginning = read_header(content, detect_encoding(content), None, whole=True, is_header=CATALOGUE.is_header)
    columns = [Column(name, beginning.samples(index)) for index, name in enumerate(beginning.names)]
    proposed = CUSTOMER if path.stem in OF_COMPANIES_OR_PEOPLE_ALONE else CUSTOMER_AND_CONTACT
    assert record_type_of(columns) == proposed
    # Wherever a column stands, and without those that have nothing in them.
    assert record_type_of(columns[::-1]) == proposed
    assert record_type_of([column for column in columns if column.given]) == proposed


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("First name;Last name;Company", ["Eva;Alm;Alm & Sons"]),
        ("Firma;E-Mail;Nachname;Vorname", ["Alm GmbH;eva@alm.example;Alm;Eva"]),
        ("Société;Nom;Prénom;Courriel", ["Renard SARL;Lac;Camille;c@lac.example"]),
        ("Empresa;Nombre;Apellidos;Correo electrónico", ["Talleres Ruiz;Inés;Ruiz;i@ruiz.example"]),
        ("Azienda;Cognome;Nome", ["Rossi Srl;Bianchi;Ada"]),
        ("会社名;姓;名", ["ヤマト商事;山田;花子"]),
        ("公司名称;姓名;电话", ["东方贸易;李小明;138 0000 0003"]),
        ("Компания;Фамилия;Имя", ["Север;Ключарёва;Жанна"]),
        ("Şirket;Ad Soyad;E-posta", ["Öz Tekstil;Çağla Şen;c@oz.example"]),
        ("Nazwa firmy;Imię i nazwisko", ["Kowal Sp. z o.o.;Łucja Kowalska"]),
        ("الشركة;الاسم الكامل", ["شركة النور;ليلى حداد"]),
        ("חברה;שם פרטי;שם משפחה", ["אור;נועה;לוי"]),
        ("บริษัท;ชื่อ;นามสกุล", ["สยาม;สมชาย;ใจดี"]),
        # One column may do where it is called what only people are.
        ("Firma;Ansprechpartner;Telefon", ["Alm GmbH;Eva Alm;0664 1"]),
        ("Company;Contact person;City", ["Acme;Eva Alm;Graz"]),
        ("Kunde;Kontaktperson", ["Alm GmbH;Eva Berg"]),
        ("会社;担当者", ["ヤマト商事;山田花子"]),
        ("Full name;Employer", ["Eva Alm;Acme"]),
        ("Name;Job title;Company", ["Eva Alm;Head of sales;Acme"]),
        # Most are without a company, or without a person.
        ("First name;Last name;Company", ["Ada;Ek;", "Bea;Ost;n/a", "Eva;Alm;Acme"]),
        ("Company;First name;Last name", ["Acme;;", "Bolt;;", "Crane;Eva;Alm"]),
        # The company is named by its number in the other system.
        ("Record ID;Company ID;First name;Last name", ["39;9001;Eva;Alm"]),
        # Somebody works at a firm of their own name.
        ("First name;Last name;Company", ["Eva;Alm;Eva Alm GmbH"]),
    ],
)
def test_people_and_where_they_work_are_customers_with_contacts(header: str, rows: list[str]) -> None:
    columns = columns_of(header, *rows)
    assert record_type_of(columns) == CUSTOMER_AND_CONTACT
    assert record_type_of(columns[::-1]) == CUSTOMER_AND_CONTACT


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        # Companies alone, be there an address or a number of somebody.
        ("Company;Contact email;City", ["Acme;eva@acme.example;Graz"]),
        ("Firma;E-Mail;Telefon", ["Alm GmbH;info@alm.example;0664 1"]),
        ("Company;Contact", ["Acme;eva@acme.example", "Bolt;+43 664 1234"]),
        ("Company;Owner;Website", ["Acme;Dana Fox;acme.example"]),
        ("会社名;電話番号", ["ヤマト商事;03-0000-1111"]),
        ("Account name;Account owner;Billing city", ["Acme;Dana Fox;Graz"]),
        # People alone.
        ("First name;Last name;Email", ["Eva;Alm;eva@alm.example"]),
        ("Vorname;Nachname;Firma", ["Eva;Alm;", "Ada;Ek;-"]),
        ("Kundennummer;Vorname;Nachname", ["17;Eva;Alm"]),
        ("email", ["one@example.com"]),
        # Never in the same row.
        ("First name;Last name;Company", ["Eva;Alm;", ";;Acme"]),
        # What may be the customer's name as well as a person's.
        ("Name;Company", ["Ada;Acme"]),
        ("Name;Firma", ["Pförtner;Spedition Grün"]),
        ("Nom;Société", ["Lac;Renard SARL"]),
        ("Customer - Name;Company", ["Ada;Acme"]),
        # Whose company is called like themselves.
        ("Customer;First name;Last name", ["Eva Alm;Eva;Alm", "Ek, Ada;Ada;Ek"]),
        ("Company;Full name", ["Eva Alm;Eva Alm"]),
        # Nothing to go by.
        ("First name;Last name;Company", []),
        ("Colour;Size", ["red;10"]),
        (";".join(OWN), [";".join("Eva Alm" for _ in OWN)]),
    ],
)
def test_what_is_of_one_kind_or_may_be_is_customers(header: str, rows: list[str]) -> None:
    columns = columns_of(header, *rows)
    assert record_type_of(columns) == CUSTOMER
    assert record_type_of(columns[::-1]) == CUSTOMER


def test_who_names_a_customer_by_its_id_here_is_a_contact() -> None:
    assert record_type_of(columns_of("First name;Last name;CRM customer ID", "Eva;Alm;17")) == CONTACT
    assert record_type_of(columns_of("CRM customer ID;Company;Email", "17;Acme;eva@acme.example")) == CONTACT
    assert record_type_of(columns_of("First name;Last name;CRM customer ID", "Eva;Alm;")) == CUSTOMER
    assert record_type_of(columns_of("CRM customer ID;Website", "17;acme.example")) == CUSTOMER
