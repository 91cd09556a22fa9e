"""What people and other systems call the fields of a contact, and by what they name its customer. Pure, no I/O."""

from customers.rules import import_fields
from imports import columns
from imports.fields import MOBILE, Catalogue, Field

# What a contact can be found by.
KEYS = ("id", "email")
# By what a row names the customer, the surest first.
OF_CUSTOMER = ("customer_id", "customer_code", "company_name", "website")

_OF_CUSTOMERS = import_fields.CATALOGUE.by_name
_PHONES = _OF_CUSTOMERS["phone"]

FIELDS = (
    Field("id", "id, contact id"),
    Field(
        "first_name",
        "first names, given names, vornamen, prenoms",
        parts={1: columns.FIRST_NAMES, 2: columns.MIDDLE_NAMES},
        between=" ",
    ),
    Field("last_name", columns.FAMILY_NAMES),
    Field("name", columns.NAMES),
    Field("email", _OF_CUSTOMERS["email"].names, several=True, looks=_OF_CUSTOMERS["email"].looks),
    Field(
        "phone",
        _PHONES.names,
        # A contact has one: that at work goes before the one in the pocket.
        parts={**_PHONES.parts, MOBILE: _OF_CUSTOMERS["secondary_phone"].parts[MOBILE]},
        several=True,
        looks=_PHONES.looks,
    ),
    Field(
        "job_title",
        "job title, title, jobtitle, position, role, organization title, funktion, jobtitel, titel der organisation, "
        "position in der organisation, organisation titel, organisation position, organisation title, "
        "position im unternehmen, berufsbezeichnung, beruf, stelle, stellenbezeichnung, titre, "
        "poste, fonction, cargo, puesto, qualifica, ruolo, "
        "mansione, stanowisko, functie, должность, 职务, 役職, funkce, pozice, pracovni pozice, beosztas, functia, "
        "pozisyon, gorev, unvan, посада, θεση, befattning, stilling, tehtavanimike, starfsheiti, 部署役職, 職位, "
        "직책, 직위, 직급, chuc vu, chuc danh, jabatan, المسمى الوظيفي, الوظيفة, תפקיד, ตำแหน่ง, पद",
    ),
    Field(
        "customer_code",
        "customer code, customer number, customer no, customer id, kunden id, kundennummer, kunden nr, kundennr, "
        "kunden no, account number, account id, company id, organization id, associated company "
        "ids, associated company id, "
        "debitor, debitorennummer, code client, numero client, codigo cliente, numero de cliente",
    ),
    Field(
        "company_name",
        f"{_OF_CUSTOMERS['company_name'].names}, customer, customer name, client, kunde, kundenname, cliente",
    ),
    Field("website", _OF_CUSTOMERS["website"].names, several=True, looks=_OF_CUSTOMERS["website"].looks),
    Field("customer_id", "crm customer id"),
    Field("created_at", _OF_CUSTOMERS["created_at"].names, looks=_OF_CUSTOMERS["created_at"].looks),
)

CATALOGUE = Catalogue(FIELDS, parent_code="customer_code", dates=("created_at",))
