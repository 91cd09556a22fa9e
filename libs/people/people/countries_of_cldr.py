"""Writes countries.json from CLDR, which Babel brings: `python -m people.countries_of_cldr`."""

import json
from pathlib import Path

from babel import Locale
from babel.core import get_global

from people.folding import foldings

FILE = Path(__file__).with_name("countries.json")
# The languages in whose names a country is understood.
LANGUAGES = [
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "pl",
    "cs",
    "sk",
    "sl",
    "hr",
    "sr",
    "hu",
    "ro",
    "bg",
    "ru",
    "uk",
    "el",
    "tr",
    "sv",
    "da",
    "nb",
    "fi",
    "et",
    "lv",
    "lt",
    "ar",
    "he",
    "fa",
    "hi",
    "bn",
    "th",
    "vi",
    "id",
    "ja",
    "ko",
    "zh",
    "zh_Hant",
    "ka",
    "hy",
    "az",
    "be",
    "mk",
    "bs",
    "sq",
    "is",
    "ca",
    "ur",
    "ms",
]
# Codes of CLDR that are of no country.
_NO_COUNTRY = frozenset(("EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"))
_SHORT, _LONG = 2, 3


def names() -> dict[str, str]:
    """From codes and names, folded, to codes; a name of two countries is of the first in the order of LANGUAGES."""
    known: dict[str, str] = {}
    territories = _territories("en")
    codes = sorted(code for code in territories if len(code) == _SHORT and code.isalpha() and code not in _NO_COUNTRY)
    for code in codes:
        known[code.lower()] = code
    for alias, replaced in get_global("territory_aliases").items():
        if alias.isalpha() and len(alias) == _LONG and len(replaced) == 1:
            known.setdefault(alias.lower(), replaced[0])
    for language in LANGUAGES:
        named = _territories(language)
        for code in codes:
            for folded in foldings(named.get(code, code)):
                known.setdefault(folded, code)
    return dict(sorted(known.items()))


def _territories(language: str) -> dict[str, str]:
    return {str(code): str(name) for code, name in Locale.parse(language).territories.items()}


def document() -> str:
    """The file's text."""
    return json.dumps(names(), ensure_ascii=False, indent=0) + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
