"""Which column of a file is which field of a customer: a proposal, and the cells of a row by field. Pure."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from people.names import name_key

# What people and other systems call the fields, as `matching.name_key` folds it.
_NAMES: Mapping[str, str] = {
    "id": "id, customer id, record id, kunden id",
    "customer_code": "customer code, code, customer number, customer no, account number, external id, "
    "kundennummer, kunden nr, kundennr, numero client, code client, codigo cliente",
    "name": "name, full name, customer, customer name, contact name, display name, kunde, kundenname, nom, nom "
    "complet, nombre, nome, first name, last name, given name, family name, surname, vorname, nachname, "
    "prenom, apellido, apellidos",
    "email": "email, e mail, mail, email address, e mail address, mail address, e mail adresse, courriel, adresse "
    "e mail, correo, correo electronico",
    "phone": "phone, phone number, telephone, tel, telefon, telefonnummer, telefono, work phone, business phone, "
    "main phone, numero de telephone",
    "secondary_phone": "secondary phone, phone 2, other phone, mobile, mobile phone, cell, cell phone, mobil, handy, "
    "mobiltelefon, portable, movil",
    "address": "address, street, street address, address line 1, address 1, address line 2, address 2, adresse, "
    "strasse, direccion, rue, billing street, mailing street",
    "city": "city, town, ort, stadt, ville, ciudad, citta, billing city, mailing city",
    "state": "state, region, state region, province, county, bundesland, provincia, billing state",
    "country": "country, country region, land, pays, pais, billing country, mailing country",
    "zip_code": "zip, zip code, postal code, postcode, plz, postleitzahl, code postal, codigo postal, cap, billing zip",
    "customer_type": "customer type, type, kundenart, typ",
    "industry": "industry, sector, branche, secteur, sector industrial",
    "company_name": "company, company name, organization, organisation, account, account name, firma, firmenname, "
    "unternehmen, societe, entreprise, empresa, azienda",
    "website": "website, web site, web, url, homepage, web page, webseite, site web, sitio web",
    "status": "status, customer status, lead status, kundenstatus, statut, estado",
    "source": "source, lead source, origin, quelle, herkunft, origen",
    "priority": "priority, prioritat, priorite, prioridad",
    "credit_limit": "credit limit, kreditlimit, limite de credit, limite de credito",
    "notes": "notes, note, description, comment, comments, remarks, notizen, bemerkung, bemerkungen",
    "tags": "tags, tag, labels, label, categories, category, groups, schlagworte",
    "assigned_to": "assigned to, owner, account owner, contact owner, assignee, sales rep, owner email, zustandig, "
    "verantwortlich, responsable, bearbeiter",
    "created_at": "created at, created, create date, created date, date created, creation date, angelegt am, erstellt "
    "am, date de creation",
}
# Several columns may go into one of these, and this comes between them.
JOINED: Mapping[str, str] = {"name": " ", "address": ", ", "notes": "\n", "tags": ";"}
_CLOSE = 0.88
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names.split(", ")}


def propose_mapping(columns: Iterable[str]) -> dict[str, str]:
    """A field for each column whose name sounds like one; of several, the first gets a field that takes but one."""
    mapping: dict[str, str] = {}
    for column in columns:
        field = _field_of(column)
        if field and (field in JOINED or field not in mapping.values()):
            mapping[column] = field
    return mapping


def _field_of(column: str) -> str | None:
    folded = name_key(column.replace("_", " "))
    if folded is None:
        return None
    if folded in _FIELD_OF:
        return _FIELD_OF[folded]
    close = difflib.get_close_matches(folded, _FIELD_OF, n=1, cutoff=_CLOSE)
    return _FIELD_OF[close[0]] if close else None


def crowded_fields(mapping: Mapping[str, str]) -> list[str]:
    """The fields that several columns go into and that take one."""
    fields = list(mapping.values())
    return sorted({field for field in fields if fields.count(field) > 1 and field not in JOINED})


class Cells:
    """Where a file's columns go; its calls answer the texts of a row by field, those that are empty left out."""

    def __init__(self, columns: Sequence[str], mapping: Mapping[str, str]) -> None:
        indexes: dict[str, list[int]] = {}
        for index, column in enumerate(columns):
            if column in mapping:
                indexes.setdefault(mapping[column], []).append(index)
        self._single = [(field, found[0]) for field, found in indexes.items() if len(found) == 1]
        self._several = [(field, found, JOINED[field]) for field, found in indexes.items() if len(found) > 1]
        self._columns = columns
        self._first = {field: found[0] for field, found in indexes.items()}

    def __call__(self, cells: Sequence[str]) -> dict[str, str]:
        width = len(cells)
        texts = {field: text for field, at in self._single if at < width and (text := cells[at].strip())}
        for field, found, between in self._several:
            if text := between.join(part for at in found if at < width and (part := cells[at].strip())):
                texts[field] = text
        return texts

    def column_of(self, field: str) -> str | None:
        """The column, or the first of those, that a field comes from."""
        return self._columns[self._first[field]] if field in self._first else None
