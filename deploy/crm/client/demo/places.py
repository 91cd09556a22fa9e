"""Where demo customers are: cities with their streets, postal codes and telephone numbers.

The numbers are of the ranges that the countries' regulators keep free for films and examples, so none is anybody's. A #
is any digit, an @ any letter.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class City:
    """A city, with patterns of its postal codes and numbers."""

    name: str
    state: str | None
    postal: str
    phone: str


CITIES: Mapping[str, tuple[City, ...]] = {
    "United States": (
        City("Seattle", "WA", "9810#", "+1 206-555-01##"),
        City("Portland", "OR", "9720#", "+1 503-555-01##"),
        City("San Francisco", "CA", "9410#", "+1 415-555-01##"),
        City("Denver", "CO", "8020#", "+1 303-555-01##"),
        City("Austin", "TX", "7870#", "+1 512-555-01##"),
        City("Chicago", "IL", "6060#", "+1 312-555-01##"),
        City("Boston", "MA", "0211#", "+1 617-555-01##"),
        City("New York", "NY", "1001#", "+1 212-555-01##"),
        City("Atlanta", "GA", "3030#", "+1 404-555-01##"),
        City("Miami", "FL", "3313#", "+1 305-555-01##"),
    ),
    "Canada": (
        City("Toronto", "ON", "M5@ #@#", "+1 416-555-01##"),
        City("Ottawa", "ON", "K1@ #@#", "+1 613-555-01##"),
        City("Vancouver", "BC", "V6@ #@#", "+1 604-555-01##"),
        City("Montréal", "QC", "H3@ #@#", "+1 514-555-01##"),
        City("Calgary", "AB", "T2@ #@#", "+1 403-555-01##"),
    ),
    "United Kingdom": (
        City("London", None, "SE1 #@@", "+44 20 7946 0###"),
        City("Manchester", None, "M1 #@@", "+44 161 496 0###"),
        City("Edinburgh", None, "EH1 #@@", "+44 131 496 0###"),
        City("Leeds", None, "LS2 #@@", "+44 113 496 0###"),
        City("Bristol", None, "BS1 #@@", "+44 117 496 0###"),
        City("Glasgow", None, "G2 #@@", "+44 141 496 0###"),
    ),
    "Australia": (
        City("Sydney", "NSW", "200#", "+61 2 5550 ####"),
        City("Melbourne", "VIC", "300#", "+61 3 5550 ####"),
        City("Brisbane", "QLD", "400#", "+61 7 5550 ####"),
        City("Perth", "WA", "600#", "+61 8 5550 ####"),
    ),
    "Germany": (
        City("Berlin", None, "1011#", "+49 30 23125 ###"),
        City("Hamburg", None, "2009#", "+49 40 66969 ###"),
        City("München", "Bayern", "8033#", "+49 89 99998 ###"),
        City("Köln", "Nordrhein-Westfalen", "5066#", "+49 221 4710 ###"),
        City("Frankfurt am Main", "Hessen", "6031#", "+49 69 90009 ###"),
    ),
    "France": (
        City("Paris", None, "7501#", "+33 1 99 00 ## ##"),
        City("Lyon", None, "6900#", "+33 4 65 71 ## ##"),
        City("Nantes", None, "44000", "+33 2 61 91 ## ##"),
        City("Strasbourg", None, "67000", "+33 3 53 01 ## ##"),
        City("Bordeaux", None, "33000", "+33 5 36 49 ## ##"),
    ),
    "Sweden": (
        City("Stockholm", None, "111 2#", "+46 8 465 004 ##"),
        City("Göteborg", None, "411 0#", "+46 31 390 06 ##"),
        City("Malmö", None, "211 2#", "+46 40 628 04 ##"),
    ),
}
ENGLISH, GERMAN, FRENCH, SWEDISH = "english", "german", "french", "swedish"
LANGUAGES: Mapping[str, str] = {"Germany": GERMAN, "France": FRENCH, "Sweden": SWEDISH}
STREETS: Mapping[str, tuple[str, ...]] = {
    ENGLISH: (
        "{} Market Street",
        "{} Harbour Road",
        "{} Station Road",
        "{} Mill Lane",
        "{} Park Avenue",
        "{} Canal Street",
        "{} King Street",
        "{} Elm Street",
    ),
    GERMAN: ("Hauptstraße {}", "Bahnhofstraße {}", "Gartenweg {}", "Lindenallee {}", "Am Markt {}", "Hafenstraße {}"),
    FRENCH: ("{} rue de la République", "{} avenue Jean-Jaurès", "{} rue des Lilas", "{} quai de la Gare"),
    SWEDISH: ("Storgatan {}", "Kungsgatan {}", "Drottninggatan {}", "Hamngatan {}", "Järnvägsgatan {}"),
}
