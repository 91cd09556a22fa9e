"""The exports of well-known systems, recognised by their columns, and what is peculiar to them. Pure.

What is the same everywhere needs no profile: `proposal` reads names of columns and samples. Here stands what a column's
name alone does not say, or says wrongly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from imports.headers import folded


@dataclass(frozen=True, slots=True)
class Profile:
    """A system's export: the columns that give it away, and the meaning of some of them.

    A meaning is the name of a field, of a piece of one (`name:2`), or None for what is to be left out.
    """

    name: str
    marks: tuple[frozenset[str], ...]
    meanings: Mapping[str, str | None] = field(default_factory=dict)


def _marks(*groups: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(folded(name) for name in group.split("|")) for group in groups)


def _meanings(**columns: str) -> dict[str, str | None]:
    """From fields to columns, turned round; `none` are the columns to be left out."""
    return {
        folded(column): None if name == "none" else name.replace("__", ":")
        for name, listed in columns.items()
        for column in listed.split("|")
    }


PROFILES = (
    Profile(
        "google",
        _marks(
            "E-mail 1 - Value",
            "Group Membership|Given Name",
            "Phonetic First Name|Labels",
            "Yomi Name|Given Name Yomi",
            "E-Mail 1 - Wert",
            "Telefon 1 - Wert",
            "Gruppenmitgliedschaft|Vorname",
            "Name der Organisation|Labels",
        ),
        _meanings(
            none="Nickname|File As|Location|Subject|Billing Information|Priority|"
            "Organization 1 - Location|Organization 1 - Type|Spitzname|Ort|Standort|Betreff|Priorität|"
            "Organisation 1 - Ort|Organisation 1 - Standort|Organisation 1 - Typ"
        ),
    ),
    Profile(
        "outlook",
        _marks(
            "E-mail Display Name",
            "Business Street|Business City",
            "Internet Free Busy",
            "Business Phone|Home Phone|Company",
            "Straße geschäftlich|Ort geschäftlich",
            "Telefon geschäftlich|Vorname",
            "Rue (bureau)",
            "Calle del trabajo",
        ),
        _meanings(none="Ort|Location|Title|Account|Anrede|Region|Lieu|Ubicación"),
    ),
    Profile(
        "zoho",
        _marks(
            "Record Id|Created Time",
            "Record Id|Lead Owner",
            "Record Id|Account Owner",
            "Lead Owner.id",
            "Contact Owner.id",
            "Account Owner.id",
            "Deal Owner.id",
            "Deal Name|Closing Date",
        ),
        _meanings(none="Salutation|Created By|Modified By|Account Type"),
    ),
    Profile(
        "hubspot",
        _marks(
            "Record ID|Lifecycle Stage",
            "Record ID|Contact owner",
            "Record ID|Company owner",
            "Record ID|Deal Stage",
            "Datensatz-ID|Lifecycle-Phase",
        ),
        _meanings(
            none="Type|Typ",
            parent="Associated Company IDs (Primary)|Associated Company IDs|Associated Company ID|"
            "Primary Associated Company ID",
            status="Lifecycle Stage|Lifecycle-Phase",
            website="Company Domain Name|Website URL|Website-URL|Domainname des Unternehmens",
            company_name="Associated Company (Primary)|Associated Company|Primary Associated Company|"
            "Zugehöriges Unternehmen",
        ),
    ),
    Profile(
        "salesforce",
        _marks(
            "Account Owner|Account Name",
            "LeadSource|OwnerId",
            "Billing State/Province|Account ID",
            "Lead ID|FirstName",
            "Mailing State/Province",
            "Opportunity Name|Stage",
            "Opportunity ID",
            "StageName|CloseDate",
            "Contact ID|Account Name",
        ),
        _meanings(none="Type|Salutation|Department|Account Site"),
    ),
    Profile(
        "pipedrive",
        _marks(
            "Person - Name",
            "Organization - Name",
            "Deal - Title",
            "Person - Name|Person - Organization",
            "Lead - Title",
        ),
        {
            **_meanings(none="Organization - Visible to|Person - Visible to"),
            folded("Organization - Address - Street/road name of Address"): "address:1",
            folded("Organization - Address - House number of Address"): "address:2",
            folded("Organization - Address - Apartment/suite no of Address"): "address:3",
            folded("Organization - Address - City/town/village/locality of Address"): "city",
            folded("Organization - Address - State/county of Address"): "state",
            folded("Organization - Address - ZIP/Postal code of Address"): "zip_code",
            folded("Organization - Address - Country of Address"): "country",
        },
    ),
    Profile(
        "mailchimp",
        _marks("MEMBER_RATING|OPTIN_TIME", "LEID|EUID"),
        _meanings(country="CC", state="REGION"),
    ),
)


def profile_of(columns: Iterable[str]) -> Profile | None:
    """The system whose export a file with these columns is; None for any other table."""
    known = {folded(column) for column in columns}
    for profile in PROFILES:
        if any(marks <= known for marks in profile.marks):
            return profile
    return None
