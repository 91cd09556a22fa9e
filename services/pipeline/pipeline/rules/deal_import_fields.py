"""What people and other systems call the fields of a deal, its stages and its customer. Pure, no I/O."""

from imports import columns
from imports.fields import Catalogue, Field, values_by_word
from imports.looks import is_amount, is_date, is_email
from pipeline.rules import DEAL_STATUSES, import_fields

# What a deal can be found by.
KEYS = ("id", "deal_name")
# By what a row names the customer, as the customers service knows it.
OF_CUSTOMER = ("customer_id", "customer_code", "company_name", "website", "customer_email")
CHOICES_OF = {"status": DEAL_STATUSES}

_STATUSES = {
    "open": "open, offen, in progress, in arbeit, active, aktiv, ongoing, ouvert, en cours, abierto, aperto",
    "won": "won, gewonnen, closed won, gagne, ganado, ganada, vinto, vinta",
    "lost": "lost, verloren, closed lost, perdu, perdido, perdida, perso, persa",
}
# What other systems call the stages that a company begins with, by their codes, and how a deal has ended.
_STAGES = {
    "prospect": "prospect, prospecting, new, neu, lead in, appointment scheduled, appointmentscheduled, idea, "
    "discovery, first contact, erstkontakt, contact made",
    "qualified": "qualified, qualification, qualified to buy, qualifiedtobuy, needs analysis, demo scheduled, "
    "presentation scheduled, presentationscheduled, qualifiziert, id decision makers, identify decision makers, "
    "perception analysis",
    "proposal": "proposal, proposal made, proposal price quote, proposal sent, quote, quote sent, value proposition, "
    "angebot, angebot gesendet, decision maker bought in, decisionmakerboughtin, devis, presupuesto, offerta",
    "negotiation": "negotiation, negotiation review, negotiations started, in negotiation, verhandlung, contract sent, "
    "contractsent, vertrag gesendet, negociation, negociacion, negoziazione, verbal commitment",
    "won": "won, closed won, closedwon, gewonnen, gagne, ganado, ganada, vinto, vinta, closed deal, abgeschlossen",
    "lost": "lost, closed lost, closedlost, closed lost to competition, verloren, perdu, perdido, perdida, "
    "perso, persa",
}
STAGE_OF = values_by_word(_STAGES)

_OF_LEADS = import_fields.CATALOGUE.by_name

FIELDS = (
    Field("id", "id"),
    Field(
        "deal_name",
        "deal name, name, deal, deal title, title, opportunity name, opportunity, opportunity title, subject, "
        "geschaft, geschaftsname, chance, nom de l affaire, affaire, oportunidad, negocio, nombre del negocio, "
        "trattativa, nome trattativa, szansa, szansa sprzedazy, transakcja, obchod, prilezitost, uzlet, firsat, "
        "anlasma, сделка, название сделки, угода, назва угоди, affar, handel, kauppa, oportunidade, 案件, 案件名, "
        "商談名, 商机, 商機, 거래, 거래명, co hoi, peluang, الصفقة, עסקה, ดีล",
    ),
    Field(
        "deal_value",
        f"deal value, {columns.AMOUNTS}, deal amount, opportunity amount, opportunity value, total value, "
        "contract value, auftragswert, volumen, summe, umsatz",
        looks=is_amount,
    ),
    Field(
        "currency",
        f"{columns.CURRENCIES}, deal currency, currency of, deal currency of, currency iso code, "
        "opportunity currency, amount currency, value currency",
    ),
    Field(
        "pipeline_id",
        "pipeline, pipeline name, deal pipeline, sales pipeline, pipeline id, vertriebspipeline, sales process",
        of_list=True,
    ),
    Field(
        "stage_id",
        "stage, deal stage, opportunity stage, sales stage, pipeline stage, stage name, stage id, phase, deal phase, "
        "verkaufsphase, vertriebsphase, etape, etapa, fase",
        of_list=True,
    ),
    Field(
        "status",
        "status, deal status, opportunity status, won lost, state, estado, stato, statut",
        words=values_by_word(_STATUSES),
    ),
    Field(
        "probability",
        "probability, deal probability, win probability, likelihood, wahrscheinlichkeit, abschlusswahrscheinlichkeit, "
        "probabilite, probabilidad, probabilita",
    ),
    Field(
        "expected_close_date",
        "expected close date, close date, closing date, expected closing date, expected close, estimated close date, "
        "forecast close date, abschlussdatum, erwarteter abschluss, erwartetes abschlussdatum, "
        "voraussichtliches abschlussdatum, date de cloture, fecha de cierre, data di chiusura",
        looks=is_date,
    ),
    Field(
        "closed_at",
        "closed at, closed on, won time, lost time, closed time, closed date, date closed, actual close date, "
        "won date, lost date, won on, lost on, geschlossen am, gewonnen am, verloren am, abgeschlossen am",
        several=True,
        looks=is_date,
    ),
    Field("loss_reason", f"{_OF_LEADS['loss_reason'].names}, reason for loss, motif de perte, motivo de perdida"),
    Field(
        "company_name",
        "associated company, primary associated company, account name, account, organization, organisation, "
        "organization name, company, company name, customer, customer name, client, client name, firma, unternehmen, "
        "kunde, kundenname, societe, entreprise, empresa, cliente, azienda",
    ),
    Field(
        "contact_name",
        "contact name, contact person, contact, primary contact, associated contact, person, person name, "
        "ansprechpartner, kontakt",
    ),
    Field(
        "customer_code",
        "customer code, customer number, customer no, customer id, account number, account id, account name id, "
        "company id, organization id, associated company ids, associated company id, kundennummer, kunden nr, "
        "kundennr, debitor, debitorennummer, code client, codigo cliente",
    ),
    Field(
        "website",
        "website, web site, homepage, company website, company domain name, company domain, domain, account website, "
        "organization website, webseite, internet",
    ),
    Field(
        "customer_email",
        "customer email, contact email, email, e mail, email address, e mail address, person email, account email, "
        "primary contact email, company email, kunden email",
        several=True,
        looks=is_email,
    ),
    Field("customer_id", "crm customer id"),
    Field(
        "notes",
        f"{_OF_LEADS['notes'].names}, description, deal description, opportunity description, next step, beschreibung, "
        "descripcion, descrizione, nachster schritt",
        between="\n",
    ),
    Field("assigned_to", f"{_OF_LEADS['assigned_to'].names}, deal owner, opportunity owner", of_list=True),
    Field("created_at", f"{_OF_LEADS['created_at'].names}, deal created, opportunity created", looks=is_date),
)

CATALOGUE = Catalogue(
    FIELDS,
    own=("id", "deal_name", "stage_id", "deal_value", "created_at"),
    # A column of other systems that is called so has stages where its values are no states.
    second={"status": ("status", "stage_id", ("deal_name",))},
    parent_code="customer_code",
    dates=("created_at", "closed_at", "expected_close_date"),
    amounts=("deal_value",),
)
