"""What demo customers are called, what they do, and what is noted about them."""

from collections.abc import Mapping

from crm.client.demo.places import ENGLISH, FRENCH, GERMAN, SWEDISH


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES: Mapping[str, tuple[str, ...]] = {
    ENGLISH: _words(
        "Ada Aisha Amir Ben Charlotte Daniel Elena Emma Farid Grace Hannah Henry Isabel Jack James Kofi Laura Liam "
        "Lucy Maya Mei Michael Nora Oliver Omar Rachel Ravi Rosa Samuel Sarah Sofia Thomas Yusuf Zoë"
    ),
    GERMAN: _words(
        "Anna Ayşe Bernd Claudia Dieter Emre Eva Felix Friederike Günter Hanna Jan Jürgen Katja Lena Lukas Marie "
        "Matthias Mehmet Nina Paul Renate Sabine Stefan Tim Ute Wolfgang Zoë"
    ),
    FRENCH: _words(
        "Adèle Amélie Antoine Benoît Camille Chloé Élodie Émile Fatima François Hélène Inès Jérôme Julien Karim Léa "
        "Louis Manon Mathieu Nadia Noémie Olivier Pierre René Sébastien Sophie Théo Zoé"
    ),
    SWEDISH: _words("Åsa Anders Annika Björn Elin Erik Göran Håkan Ingrid Johan Karin Lars Maja Nils Oskar Sara Sören"),
}
LAST_NAMES: Mapping[str, tuple[str, ...]] = {
    ENGLISH: _words(
        "Abbott Ahmed Anderson Bennett Brooks Campbell Chen Clarke Cooper Davies Edwards Fraser García Gallagher "
        "Hughes Iyer Kaur Kelly Larsen Morgan Nguyen O'Brien Okafor Patel Quinn Rossi Silva Stewart Tanaka Turner "
        "Walsh Wilson Young Zhang"
    ),
    GERMAN: _words(
        "Bauer Becker Böhm Demir Fischer Groß Hartmann Hoffmann Jäger Keller König Krüger Lange Müller Neumann Öztürk "
        "Richter Schäfer Schmidt Schröder Schulz Vogel Wagner Weiß Winkler Yavuz Ziegler"
    ),
    FRENCH: _words(
        "Benali Bernard Blanchard Chevalier Delacroix Dubois Dupré Fontaine Gagné Garnier Guérin Lefèvre Lemoine "
        "Martin Mercier Moreau Noël Perrin Renaud Rousseau Traoré Vasseur"
    ),
    SWEDISH: _words("Åberg Andersson Berg Björk Dahl Eriksson Hägg Holm Johansson Lindqvist Löfgren Nyström Öberg Sjö"),
}
# What a business is called after, where that is not somebody's name.
MARKS = _words(
    "Alder Amber Arctic Aspen Atlas Beacon Birch Blue Bright Cedar Clear Coastal Copper Crescent Delta Eastgate Ember "
    "Evergreen Falcon Fern Granite Harbor Heron Highland Iron Juniper Kestrel Lark Linden Maple Meridian Nimbus Noble "
    "Northern Oak Orchard Pioneer Quarry Raven River Sable Silver Sterling Stone Summit Tidal Union Vertex Willow"
)
# A trade and the industry that it belongs to.
TRADES: Mapping[str, tuple[tuple[str, str], ...]] = {
    ENGLISH: (
        ("Analytics", "Technology"),
        ("Software", "Technology"),
        ("Robotics", "Technology"),
        ("Dental Care", "Healthcare"),
        ("Medical Supplies", "Healthcare"),
        ("Capital", "Finance"),
        ("Insurance Brokers", "Finance"),
        ("Outfitters", "Retail"),
        ("Foods", "Retail"),
        ("Garden Centre", "Retail"),
        ("Tooling", "Manufacturing"),
        ("Plastics", "Manufacturing"),
        ("Furniture", "Manufacturing"),
        ("Academy", "Education"),
        ("Properties", "Real Estate"),
        ("Advisors", "Consulting"),
        ("Logistics", "Other"),
        ("Catering", "Other"),
    ),
    GERMAN: (
        ("Softwarehaus", "Technology"),
        ("Elektronik", "Technology"),
        ("Medizintechnik", "Healthcare"),
        ("Versicherungsmakler", "Finance"),
        ("Feinkost", "Retail"),
        ("Möbelhaus", "Retail"),
        ("Maschinenbau", "Manufacturing"),
        ("Metallbau", "Manufacturing"),
        ("Sprachschule", "Education"),
        ("Immobilien", "Real Estate"),
        ("Unternehmensberatung", "Consulting"),
        ("Spedition", "Other"),
        ("Gebäudereinigung", "Other"),
    ),
    FRENCH: (
        ("Informatique", "Technology"),
        ("Optique", "Healthcare"),
        ("Assurances", "Finance"),
        ("Épicerie Fine", "Retail"),
        ("Menuiserie", "Manufacturing"),
        ("Mécanique", "Manufacturing"),
        ("Formation", "Education"),
        ("Immobilier", "Real Estate"),
        ("Conseil", "Consulting"),
        ("Traiteur", "Other"),
        ("Transports", "Other"),
    ),
    SWEDISH: (
        ("Programvara", "Technology"),
        ("Tandvård", "Healthcare"),
        ("Finans", "Finance"),
        ("Möbler", "Retail"),
        ("Mekaniska", "Manufacturing"),
        ("Fastigheter", "Real Estate"),
        ("Rådgivning", "Consulting"),
        ("Åkeri", "Other"),
    ),
}
FORMS: Mapping[str, tuple[str, ...]] = {
    ENGLISH: ("Inc.", "LLC", "Ltd", "Group"),
    GERMAN: ("GmbH", "GmbH", "KG", "AG"),
    FRENCH: ("SARL", "SAS", "SA"),
    SWEDISH: ("AB",),
}
JOBS = (
    "Managing Director",
    "Head of Purchasing",
    "Buyer",
    "Office Manager",
    "Accounts Payable",
    "Operations Manager",
    "Facility Manager",
    "Project Lead",
)
SOURCES = {"Website": 34, "Referral": 26, "Trade fair": 14, "Partner": 12, "Cold call": 8, "Newsletter": 6}
NOTES: Mapping[str, tuple[str, ...]] = {
    "prospect": (
        "Asked for an offer with delivery; decides together with the head office.",
        "Wants a demonstration on site before deciding.",
        "Compares us with two others; price is not the only point.",
        "Interested in the small package first, with an option on more.",
    ),
    "active": (
        "Orders every quarter, prefers e-mail to the telephone.",
        "Pays within 14 days and takes the discount.",
        "Deliveries only before noon, ramp at the back of the building.",
        "Asked for one invoice a month instead of one per order.",
        "Happy to be named as a reference.",
        "New building next year: will need more then.",
    ),
    "inactive": (
        "No orders since the warehouse moved; worth a call in spring.",
        "The buyer has left, nobody has taken over yet.",
        "Budget is frozen for now.",
    ),
    "lost": (
        "Went with a local supplier because of delivery times.",
        "Too expensive, they said; open to hear from us again.",
        "Gave up the business.",
    ),
}
TAGS: Mapping[str, tuple[str, ...]] = {
    "prospect": ("newsletter", "quote-sent", "trade-fair", "call-back"),
    "active": ("newsletter", "support-plan", "wholesale", "reference", "renewal"),
    "inactive": ("win-back", "newsletter"),
    "lost": ("win-back", "price"),
}
