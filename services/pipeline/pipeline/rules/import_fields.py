"""What people and other systems call the fields of a lead, and what is in them. Pure, no I/O."""

from imports import columns
from imports.fields import HOME, MAIN, MOBILE, OTHER, WORK, Catalogue, Field, values_by_word
from imports.looks import is_amount, is_date, is_email, is_phone
from pipeline.rules import PRIORITIES

_PRIORITIES = {
    "low": "low, niedrig, gering, basse, faible, baja, bassa, cold, lowest, 3",
    "medium": "medium, normal, mittel, moyenne, media, warm, standard, normale, 2",
    "high": "high, hoch, haute, alta, hot, urgent, dringend, highest, very high, elevee, 1",
}
# What other systems call the state of a lead, where it is no stage of the company's.
_STATUSES = {
    "new": "new, neu, nouveau, nuevo, nuovo, open, offen, open not contacted, not contacted, unread, subscriber, lead",
    "contacted": "contacted, kontaktiert, attempted to contact, attempted, connected, working, working contacted, "
    "in progress, in bearbeitung, contact in future, open deal",
    "qualified": "qualified, qualifiziert, pre qualified, marketingqualifiedlead, salesqualifiedlead, "
    "marketing qualified lead, sales qualified lead, opportunity",
    "lost": "lost, verloren, perdu, perdido, perso, lost lead, junk lead, unqualified, not qualified, disqualified, "
    "closed, closed not converted, closed lost, bad timing",
    "converted": "converted, konvertiert, customer, closed converted, closed won, won, gewonnen",
}


STATUS_OF = values_by_word(_STATUSES)


# What a lead can be found by.
KEYS = ("id", "email")
CHOICES_OF = {"priority": PRIORITIES}

FIELDS = (
    Field("id", "id"),
    Field(
        "lead_name",
        f"lead name, {columns.NAMES}, lead, lead title, attendee, participant, teilnehmer",
        parts={1: columns.FIRST_NAMES, 2: columns.MIDDLE_NAMES, 3: columns.FAMILY_NAMES},
        between=" ",
    ),
    Field("email", columns.EMAILS, several=True, looks=is_email),
    Field(
        "phone",
        columns.PHONES,
        parts={
            WORK: columns.WORK_PHONES,
            MAIN: columns.MAIN_PHONES,
            MOBILE: columns.MOBILES,
            HOME: columns.HOME_PHONES,
            OTHER: columns.OTHER_PHONES,
        },
        several=True,
        looks=is_phone,
    ),
    Field("source", f"{columns.SOURCES}, channel, event, campaign, kampagne, source channel, lead source channel"),
    Field(
        "stage_id",
        "stage, lead stage, status, lead status, stage id, phase, lead phase, statut, estado, stato",
        of_list=True,
    ),
    Field("priority", f"{columns.PRIORITIES}, rating", words=values_by_word(_PRIORITIES)),
    Field(
        "estimated_value",
        f"{columns.AMOUNTS}, estimated value, lead value, deal value, expected revenue, potential value, budget, "
        "geschatzter wert",
        looks=is_amount,
    ),
    Field("currency", f"{columns.CURRENCIES}, value currency, lead value currency"),
    Field(
        "expected_close_date",
        "expected close date, close date, expected closing date, abschlussdatum, erwarteter abschluss",
        looks=is_date,
    ),
    Field(
        "description",
        "description, message, nachricht, beschreibung, descripcion, descrizione, interest, inquiry, request, anfrage",
        # Who somebody works for stands before what they want.
        parts={
            -2: f"{columns.COMPANIES}, person organization",
            -1: "job title, title, designation, position, role, funktion, beruf",
        },
        between="\n",
    ),
    Field("notes", columns.NOTES, between="\n"),
    Field(
        "loss_reason",
        "loss reason, lost reason, reason lost, reason, unqualified reason, verlustgrund, absagegrund, "
        "closed lost reason",
    ),
    Field("assigned_to", columns.OWNERS, of_list=True),
    Field("created_at", f"{columns.CREATED}, lead created, registered at, scanned at", looks=is_date),
    Field(
        "closed_at",
        "closed at, lost at, lost time, closed date, date closed, archive time, geschlossen am",
        looks=is_date,
    ),
)

CATALOGUE = Catalogue(
    FIELDS,
    own=("id", "lead_name", "stage_id", "estimated_value", "created_at"),
    dates=("created_at", "closed_at", "expected_close_date"),
    amounts=("estimated_value",),
)
