"""Countries by what people call them: codes, and names in the languages of many countries."""

import json
from functools import cache, lru_cache
from importlib.resources import files

from people.folding import foldings

# What people call a country beside its names.
_ALSO = {
    "america": "US",
    "united states of america": "US",
    "the united states": "US",
    "etats-unis d'amerique": "US",
    "u.s.": "US",
    "u.s.a.": "US",
    "vereinigte staaten von amerika": "US",
    "uk": "GB",
    "u.k.": "GB",
    "great britain": "GB",
    "britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "grossbritannien": "GB",
    "england und wales": "GB",
    "holland": "NL",
    "the netherlands": "NL",
    "republic of ireland": "IE",
    "eire": "IE",
    "czech republic": "CZ",
    "ceska republika": "CZ",
    "slovak republic": "SK",
    "brd": "DE",
    "federal republic of germany": "DE",
    "bundesrepublik deutschland": "DE",
    "d": "DE",
    "a": "AT",
    "f": "FR",
    "i": "IT",
    "e": "ES",
    "swiss": "CH",
    "russian federation": "RU",
    "rossiiskaia federatsiia": "RU",
    "российская федерация": "RU",
    "south korea": "KR",
    "republic of korea": "KR",
    "korea": "KR",
    "prc": "CN",
    "people's republic of china": "CN",
    "uae": "AE",
    "u.a.e.": "AE",
    "emirates": "AE",
    "turkey": "TR",
    "turkiye": "TR",
    "viet nam": "VN",
    "macedonia": "MK",
    "ivory coast": "CI",
    "brasil": "BR",
    "ee. uu.": "US",
    "eeuu": "US",
    "republik osterreich": "AT",
    "burma": "MM",
    "cape verde": "CV",
    "swaziland": "SZ",
    "east timor": "TL",
    "hong kong": "HK",
    "macau": "MO",
    "macao": "MO",
    "palestine": "PS",
    "taiwan": "TW",
    "iran": "IR",
    "syria": "SY",
    "laos": "LA",
    "moldova": "MD",
    "bolivia": "BO",
    "venezuela": "VE",
    "tanzania": "TZ",
    "vatican": "VA",
    "schottland": "GB",
    "ecosse": "GB",
    "escocia": "GB",
    "angleterre": "GB",
    "inglaterra": "GB",
    "inghilterra": "GB",
    "engeland": "GB",
    "англия": "GB",
    "vae": "AE",
    "ksa": "SA",
    "السعوديه": "SA",
    "الامارات": "AE",
    "한국": "KR",
    "남한": "KR",
    "ประเทศไทย": "TH",
    "香港": "HK",
    "澳門": "MO",
    "澳门": "MO",
    "rossiya": "RU",
    "rf": "RU",
    "рф": "RU",
    "сша": "US",
    "ηπα": "US",
    "αγγλια": "GB",
    "אנגליה": "GB",
    'ארה"ב': "US",
    "abd": "US",
    "amerika": "US",
    "ingiltere": "GB",
    "dr congo": "CD",
    "drc": "CD",
    "congo, the democratic republic of the": "CD",
    "korea, democratic people's republic of": "KP",
    "north korea": "KP",
}


_LONGEST_CODE = 3


@lru_cache(maxsize=4096)
def country_code(country: str | None) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country, by its codes or its name in one of many languages; None if unknown."""
    if not country or not country.strip():
        return None
    names = _names()
    for folded in foldings(" ".join(country.split())):
        # As ISO lists them: Korea, Republic of.
        before = folded.partition(",")[0]
        for name in (folded, folded.removeprefix("the ").rstrip(" ."), before if len(before) > _LONGEST_CODE else ""):
            if (code := _ALSO.get(name) or names.get(name)) is not None:
                return code
    return None


@cache
def _names() -> dict[str, str]:
    """From what is written, folded, to the code; `people.countries_of_cldr` writes the file."""
    names: dict[str, str] = json.loads(files("people").joinpath("countries.json").read_text(encoding="utf-8"))
    return names
