"""What people and other systems call the fields of a lead, and what is in them. Pure, no I/O."""

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
        "lead name, name, full name, lead, lead title, contact name, contact, person name, person, attendee, "
        "participant, vollstandiger name, ansprechpartner, teilnehmer, nom complet, nombre completo, nome completo",
        parts={
            1: "first name, given name, vorname, prenom, nombre, nome, voornaam, fornamn, forename",
            2: "middle name, weitere vornamen, zweiter vorname, segundo nombre",
            3: "last name, family name, surname, nachname, familienname, nom de famille, nom, apellido, apellidos, "
            "cognome, achternaam, efternamn",
        },
        between=" ",
    ),
    Field(
        "email",
        "email, e mail, mail, email address, e mail address, mail address, e mail adresse, mailadresse, emailadresse, "
        "courriel, adresse e mail, correo, correo electronico, posta elettronica, indirizzo e mail, email work, "
        "email home, email other, primary email, person email",
        several=True,
        looks=is_email,
    ),
    Field(
        "phone",
        "phone, phone number, telephone, telephone number, tel, telefon, telefonnummer, telefono, telefone, rufnummer, "
        "numero de telephone, numero de telefono, person phone",
        parts={
            WORK: "work phone, business phone, phone work, telefon firma, dienstlich",
            MAIN: "main phone, company phone, primary phone",
            MOBILE: "mobile, mobile phone, mobile phone number, mobile number, cell, cell phone, mobil, handy, "
            "handynummer, mobiltelefon, portable, movil, celular, cellulare, phone mobile",
            HOME: "home phone, phone home, telefon privat",
            OTHER: "other phone, phone other",
        },
        several=True,
        looks=is_phone,
    ),
    Field(
        "source",
        "source, lead source, origin, original source, quelle, herkunft, leadquelle, origen, origine, channel, event, "
        "campaign, kampagne, source channel, lead source channel",
    ),
    Field(
        "stage_id",
        "stage, lead stage, status, lead status, stage id, phase, lead phase, statut, estado, stato",
        of_list=True,
    ),
    Field("priority", "priority, rating, prioritat, priorite, prioridad, priorita", words=values_by_word(_PRIORITIES)),
    Field(
        "estimated_value",
        "estimated value, value, lead value, amount, deal value, expected revenue, potential value, budget, wert, "
        "geschatzter wert, betrag, valeur, montant, valor, importe, valore",
        looks=is_amount,
    ),
    Field("currency", "currency, wahrung, devise, moneda, valuta, value currency, lead value currency"),
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
            -2: "company, company name, organization, organisation, organization name, account name, firma, "
            "unternehmen, societe, entreprise, empresa, azienda, associated company, person organization",
            -1: "job title, title, designation, position, role, funktion, beruf",
        },
        between="\n",
    ),
    Field(
        "notes",
        "notes, note, comment, comments, remarks, remark, notizen, notiz, bemerkung, bemerkungen, kommentar, notas, "
        "observaciones, commentaire, commentaires",
        between="\n",
    ),
    Field(
        "loss_reason",
        "loss reason, lost reason, reason lost, reason, unqualified reason, verlustgrund, absagegrund, "
        "closed lost reason",
    ),
    Field(
        "assigned_to",
        "assigned to, owner, lead owner, contact owner, assignee, sales rep, owner email, owner name, zustandig, "
        "verantwortlich, verantwortlicher, responsable, propietario, proprietaire, bearbeiter, betreuer, besitzer, "
        "inhaber, kontaktinhaber, salesperson",
        of_list=True,
    ),
    Field(
        "created_at",
        "created at, created, create date, created date, date created, created time, creation date, created on, "
        "lead created, angelegt am, erstellt am, erstellt, erstellungsdatum, erstelldatum, date de creation, "
        "fecha de creacion, data di creazione, registered at, scanned at",
        looks=is_date,
    ),
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
