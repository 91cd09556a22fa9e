"""The twelve exports that people brought: every column that means something goes where a person would put it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from customers.rules.import_fields import CATALOGUE
from imports.files import detect_encoding, read_header
from imports.proposal import TAKEN, Column, propose

INPUTS = Path(__file__).parents[1] / "inputs"
# By file and field the columns that a person would put there; a whole name stands for its parts where it is always
# there. What is not named means nothing to a customer.
RIGHT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "google-contacts-new": {
        "name": (
            "First Name",
            "Middle Name",
            "Last Name",
        ),
        "company_name": ("Organization Name",),
        "notes": ("Notes",),
        "tags": ("Labels",),
        "email": (
            "E-mail 1 - Value",
            "E-mail 2 - Value",
        ),
        "phone": (
            "Phone 1 - Value",
            "Phone 2 - Value",
        ),
        "address": ("Address 1 - Street",),
        "city": ("Address 1 - City",),
        "state": ("Address 1 - Region",),
        "zip_code": ("Address 1 - Postal Code",),
        "country": ("Address 1 - Country",),
        "website": ("Website 1 - Value",),
    },
    "google-contacts-old-utf16le": {
        "name": ("Name",),
        "notes": ("Notes",),
        "tags": ("Group Membership",),
        "email": (
            "E-mail 1 - Value",
            "E-mail 2 - Value",
        ),
        "phone": (
            "Phone 1 - Value",
            "Phone 2 - Value",
        ),
        "address": ("Address 1 - Street",),
        "city": ("Address 1 - City",),
        "state": ("Address 1 - Region",),
        "zip_code": ("Address 1 - Postal Code",),
        "country": ("Address 1 - Country",),
        "company_name": ("Organization 1 - Name",),
        "website": ("Website 1 - Value",),
    },
    "hubspot-companies": {
        "customer_code": ("Record ID",),
        "name": ("Company name",),
        "website": ("Company Domain Name",),
        "assigned_to": ("Company owner",),
        "created_at": ("Create Date",),
        "phone": ("Phone Number",),
        "city": ("City",),
        "country": ("Country/Region",),
        "industry": ("Industry",),
        "address": ("Street Address",),
        "state": ("State/Region",),
        "zip_code": ("Postal Code",),
        "notes": ("Description",),
        "status": ("Lifecycle Stage",),
    },
    "hubspot-contacts": {
        "customer_code": ("Record ID",),
        "name": (
            "First Name",
            "Last Name",
        ),
        "email": ("Email",),
        "phone": ("Phone Number",),
        "secondary_phone": ("Mobile Phone Number",),
        "assigned_to": ("Contact owner",),
        "company_name": ("Associated Company",),
        "address": ("Street Address",),
        "city": ("City",),
        "state": ("State/Region",),
        "zip_code": ("Postal Code",),
        "country": ("Country/Region",),
        "website": ("Website URL",),
        "industry": ("Industry",),
        "status": ("Lifecycle Stage",),
        "source": ("Original Source",),
        "created_at": ("Create Date",),
        "notes": ("Message",),
    },
    "mailchimp-audience": {
        "email": ("Email Address",),
        "name": (
            "First Name",
            "Last Name",
        ),
        "address": ("Address",),
        "phone": ("Phone Number",),
        "country": ("CC",),
        "state": ("REGION",),
        "notes": ("NOTES",),
        "tags": ("TAGS",),
    },
    "outlook-german-semicolon-1252": {
        "name": (
            "Vorname",
            "Weitere Vornamen",
            "Nachname",
        ),
        "company_name": ("Firma",),
        "address": (
            "Straße geschäftlich",
            "Straße geschäftlich 2",
        ),
        "city": ("Ort geschäftlich",),
        "state": ("Region geschäftlich",),
        "zip_code": ("Postleitzahl geschäftlich",),
        "country": ("Land/Region geschäftlich",),
        "phone": (
            "Telefon geschäftlich",
            "Telefon geschäftlich 2",
            "Telefon Firma",
            "Telefon (privat)",
            "Weiteres Telefon",
        ),
        "secondary_phone": ("Mobiltelefon",),
        "email": (
            "E-Mail-Adresse",
            "E-Mail 2: Adresse",
        ),
        "tags": ("Kategorien",),
        "notes": ("Notizen",),
        "priority": ("Priorität",),
        "website": ("Webseite",),
    },
    "outlook-windows1252": {
        "name": (
            "First Name",
            "Middle Name",
            "Last Name",
        ),
        "website": ("Web Page",),
        "notes": ("Notes",),
        "email": (
            "E-mail Address",
            "E-mail 2 Address",
            "E-mail 3 Address",
        ),
        "phone": (
            "Primary Phone",
            "Home Phone",
            "Home Phone 2",
            "Company Main Phone",
            "Business Phone",
            "Business Phone 2",
            "Other Phone",
        ),
        "secondary_phone": ("Mobile Phone",),
        "source": ("Referred By",),
        "company_name": ("Company",),
        "address": (
            "Business Street",
            "Business Street 2",
            "Business Street 3",
        ),
        "city": ("Business City",),
        "state": ("Business State",),
        "zip_code": ("Business Postal Code",),
        "country": ("Business Country",),
        "priority": ("Priority",),
        "tags": ("Categories",),
    },
    "pipedrive-organizations": {
        "name": ("Organization - Name*",),
        "tags": ("Organization - Labels",),
        "address": (
            "Organization - Address - Street/road name of Address",
            "Organization - Address - House number of Address",
        ),
        "city": ("Organization - Address - City/town/village/locality of Address",),
        "state": ("Organization - Address - State/county of Address",),
        "zip_code": ("Organization - Address - ZIP/Postal code of Address",),
        "country": ("Organization - Address - Country of Address",),
        "assigned_to": ("Organization - Owner",),
        "created_at": ("Organization - Creation date",),
        "customer_code": ("Organization - Pipedrive System ID",),
    },
    "pipedrive-people-semicolon": {
        "name": ("Person - Name",),
        "tags": ("Person - Label",),
        "company_name": ("Person - Organization",),
        "email": (
            "Person - Email - Work",
            "Person - Email - Home",
            "Person - Email - Other",
        ),
        "phone": (
            "Person - Phone - Work",
            "Person - Phone - Home",
            "Person - Phone - Other",
        ),
        "secondary_phone": ("Person - Phone - Mobile",),
        "assigned_to": ("Person - Owner",),
        "created_at": ("Person - Person created",),
        "customer_code": ("Person - ID",),
    },
    "salesforce-accounts-report-1252": {
        "assigned_to": ("Account Owner",),
        "name": ("Account Name",),
        "customer_code": ("Account ID",),
        "phone": ("Phone",),
        "website": ("Website",),
        "address": ("Billing Street",),
        "city": ("Billing City",),
        "state": ("Billing State/Province",),
        "zip_code": ("Billing Zip/Postal Code",),
        "country": ("Billing Country",),
        "industry": ("Industry",),
        "source": ("Account Source",),
        "notes": ("Description",),
        "created_at": ("Created Date",),
    },
    "salesforce-leads-dataloader": {
        "customer_code": ("Lead ID",),
        "name": (
            "FirstName",
            "LastName",
        ),
        "email": ("Email",),
        "phone": ("Phone",),
        "secondary_phone": ("MobilePhone",),
        "company_name": ("Company",),
        "address": ("Street",),
        "city": ("City",),
        "state": ("State",),
        "zip_code": ("PostalCode",),
        "country": ("Country",),
        "website": ("Website",),
        "industry": ("Industry",),
        "source": ("LeadSource",),
        "status": ("Status",),
        "created_at": ("CreatedDate",),
        "notes": ("Description",),
    },
    "zoho-leads": {
        "customer_code": ("Record Id",),
        "assigned_to": ("Lead Owner",),
        "company_name": ("Company",),
        "email": ("Email",),
        "phone": ("Phone",),
        "secondary_phone": ("Mobile",),
        "website": ("Website",),
        "source": ("Lead Source",),
        "status": ("Lead Status",),
        "industry": ("Industry",),
        "created_at": ("Created Time",),
        "name": ("Full Name",),
        "address": ("Street",),
        "city": ("City",),
        "state": ("State",),
        "zip_code": ("Zip Code",),
        "country": ("Country",),
        "notes": ("Description",),
        "tags": ("Tag",),
    },
}
LEAST = 0.95


def columns_of(name: str) -> list[Column]:
    content = (INPUTS / f"{name}.csv").read_bytes()
    beginning = read_header(content, detect_encoding(content), None, whole=True, is_header=CATALOGUE.is_header)
    return [Column(column, beginning.samples(index)) for index, column in enumerate(beginning.names)]


def right_of(name: str) -> dict[str, str]:
    return {column: field for field, columns in RIGHT[name].items() for column in columns}


@pytest.mark.parametrize("name", RIGHT)
def test_no_column_is_proposed_wrongly_with_confidence(name: str) -> None:
    taken = {
        column: guess.field
        for column, guess in propose(columns_of(name), CATALOGUE).guesses.items()
        if guess.confidence >= TAKEN
    }
    right = right_of(name)
    assert {column: field for column, field in taken.items() if right.get(column) != field} == {}


def test_of_all_columns_that_mean_something_nearly_every_one_is_proposed_rightly() -> None:
    """Counted are those that have something in them, as a person does who looks at the file."""
    mappable = proposed = 0
    for name in RIGHT:
        columns, right = columns_of(name), right_of(name)
        assert right.keys() <= {column.name for column in columns}
        mapping = propose(columns, CATALOGUE).mapping
        filled = [column.name for column in columns if column.given and column.name in right]
        mappable += len(filled)
        proposed += sum(mapping.get(column) == right[column] for column in filled)
    print(f"{proposed} of {mappable} columns are proposed rightly")  # noqa: T201  # The figure that is asked for.
    assert mappable >= 153  # As many as a person counted.
    assert proposed >= LEAST * mappable


GERMAN = {
    "new": (
        "Vorname=name,Zweiter Vorname=name,Nachname=name,Phonetischer Vorname,Phonetischer Nachname,Namenspräfix,"
        "Namenssuffix,Spitzname,Speichern unter,Name der Organisation=company_name,Position in der Organisation,"
        "Abteilung der Organisation,Geburtstag,Notizen=notes,Foto,Labels=tags,E-Mail 1 - Label,E-Mail 1 - Wert=email,"
        "E-Mail 2 - Label,E-Mail 2 - Wert=email,Telefon 1 - Label,Telefon 1 - Wert=phone,Adresse 1 - Label,"
        "Adresse 1 - Formatiert,Adresse 1 - Straße=address,Adresse 1 - Stadt=city,Adresse 1 - Postfach,"
        "Adresse 1 - Region=state,Adresse 1 - Postleitzahl=zip_code,Adresse 1 - Land=country,Website 1 - Label,"
        "Website 1 - Wert=website"
    ),
    "old": (
        "Name=name,Vorname,Weitere Vornamen,Nachname,Namenspräfix,Initialen,Spitzname,Geburtstag,Geschlecht,Ort,"
        "Abrechnungsinformationen,Beruf,Vertraulichkeit,Priorität,Betreff,Notizen=notes,Sprache,Foto,"
        "Gruppenmitgliedschaft=tags,E-Mail 1 - Typ,E-Mail 1 - Wert=email,Telefon 1 - Typ,Telefon 1 - Wert=phone,"
        "Telefon 2 - Typ,Telefon 2 - Wert=phone,Adresse 1 - Typ,Adresse 1 - Straße=address,Adresse 1 - Ort=city,"
        "Adresse 1 - Bundesland=state,Adresse 1 - Postleitzahl=zip_code,Adresse 1 - Land=country,Organisation 1 - Typ,"
        "Organisation 1 - Name=company_name,Organisation 1 - Titel,Organisation 1 - Abteilung,Organisation 1 - Ort,"
        "Website 1 - Typ,Website 1 - Wert=website"
    ),
}


@pytest.mark.parametrize("form", GERMAN)
def test_a_german_export_of_google_is_read_as_an_english_one(form: str) -> None:
    fields = dict(column.partition("=")[::2] for column in GERMAN[form].split(","))
    proposal = propose([Column(name, ()) for name in fields], CATALOGUE)
    assert proposal.profile == "google"
    assert {name: proposal.mapping.get(name, "") for name in fields} == fields
