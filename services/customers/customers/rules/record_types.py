"""What the rows of a file seem to be, by the names of its columns and what is in the first rows. Pure, no I/O."""

from collections.abc import Iterator, Mapping, Sequence

from customers.rules import contact_import_fields, import_fields, people_import_fields
from imports.headers import folded, header_of
from imports.looks import is_email, is_phone
from imports.proposal import Column, Proposal, propose
from imports.values import says_nothing

CUSTOMER, CONTACT, CUSTOMER_AND_CONTACT = "customer", "contact", "customer_and_contact"
RECORD_TYPES = (CUSTOMER, CONTACT, CUSTOMER_AND_CONTACT)

_Texts = Mapping[str, str]
# What a column is called that may hold companies as well as people; French, Spanish, Italian, Turkish and others have
# one word for this and for a part of a person's name.
_OF_EITHER = frozenset(
    [
        "name",
        "display name",
        "nom",
        "nombre",
        "nome",
        "ad",
        "adi",
        "isim",
        "ime",
        "nev",
        "имя",
        "名",
        "名前",
        "이름",
    ]
)


def record_type_of(columns: Sequence[Column]) -> str:
    """What the rows of a file with these columns seem to be.

    People without a company become customers themselves. Contacts alone are only those who name their customer by its
    id here, which no other record type takes.
    """
    if import_fields.CATALOGUE.is_own(column.name for column in columns):
        return CUSTOMER
    proposal = propose(columns, people_import_fields.CATALOGUE)
    rows = list(_rows(proposal))
    if any(map(people_import_fields.names_person, rows)) and any(map(_is_customer_id, columns)):
        return CONTACT
    if _names_people(proposal) and any(map(_works_somewhere, rows)):
        return CUSTOMER_AND_CONTACT
    return CUSTOMER


def _rows(proposal: Proposal) -> Iterator[_Texts]:
    """What the first rows say, by field."""
    guesses = [proposal.guesses[name] for name in proposal.mapping]
    for row in range(max((len(guess.column.samples) for guess in guesses), default=0)):
        texts: dict[str, str] = {}
        for guess in guesses:
            samples = guess.column.samples
            text = samples[row].strip() if row < len(samples) else ""
            if text and not says_nothing(text):
                texts[guess.field] = f"{texts[guess.field]} {text}" if guess.field in texts else text
        yield texts


def _is_customer_id(column: Column) -> bool:
    known = contact_import_fields.CATALOGUE.by_header
    return bool(column.given) and any(
        form in known and known[form][0] == "customer_id" for form in header_of(column.name).forms
    )


def _names_people(proposal: Proposal) -> bool:
    """Whether what is called a name is a person's, and not the customer's, whoever that is."""
    given = {name: field for name, field in proposal.mapping.items() if proposal.guesses[name].column.given}
    fields = set(given.values())
    # In a known export the column says whose name it is; a company has neither two names nor a job.
    if proposal.profile is not None or {"first_name", "last_name"} <= fields or "job_title" in fields:
        return True
    return any(
        field in ("first_name", "last_name", "name") and _form_of(column) not in _OF_EITHER
        for column, field in given.items()
    )


def _form_of(column: str) -> str:
    """A column's name as the catalogue knows it: of `Customer - Name` that is `name`."""
    known = people_import_fields.CATALOGUE.by_header
    forms = header_of(column).forms
    return next((form for form in forms if form in known), forms[0])


def _works_somewhere(texts: _Texts) -> bool:
    """Whether a row has somebody's name and a company that is not called like that itself."""
    names = [f"{texts.get('first_name', '')} {texts.get('last_name', '')}", texts.get("name", "")]
    # Who is there to be asked may be an address or a number as well.
    people = [set(folded(name).split()) for name in names if name.strip() and not (is_email(name) or is_phone(name))]
    company = set(folded(texts.get("company_name", "")).split())
    return bool(people) and people_import_fields.names_company(texts) and company not in people
