"""Names of columns as other systems write them, brought to what they have in common. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache

from people.folding import fold

_SIGNS = re.compile(r"[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Which of several addresses or numbers a column is of, in words before or after what it is.
_GROUPS = {
    "work": "business, work, geschaftlich, company, firma, office, dienstlich, buro, professionnel, bureau, trabajo, "
    "empresa, lavoro, billing, primary, haupt, principal, main, primar",
    "mailing": "mailing, shipping, versand, liefer, lieferung",
    "home": "home, private, privat, personal, domicile, prive, casa, particular",
    "other": "other, weitere, weiteres, weiterer, andere, autre, otro, altro, sonstige, sonstiges",
}
_GROUP_OF = {word: group for group, words in _GROUPS.items() for word in words.split(", ")}
# What stands before the field's own name: whose it is.
_OWNERS = frozenset(
    [
        "person",
        "organization",
        "organisation",
        "contact",
        "lead",
        "account",
        "customer",
        "client",
        "deal",
        "kunde",
        "kontakt",
    ]
)
_LAST = frozenset(("value", "wert", "valor", "valeur"))


@dataclass(frozen=True, slots=True)
class Header:
    """A column's name without what says whose it is: the group of fields that it is of, and its number among equals."""

    forms: tuple[str, ...]  # As it is written first, each of the others with less around it.
    group: str | None
    number: int


@lru_cache(maxsize=16384)
def folded(text: str) -> str:
    """A text as names of columns are compared: small letters and blanks alone, no accents."""
    spaced = _CAMEL.sub(" ", text) if "_" not in text and not text.isupper() else text
    return _SIGNS.sub(" ", fold(spaced)).strip()


@lru_cache(maxsize=4096)
def header_of(name: str) -> Header:
    """What the name of a column says."""
    whole = folded(name)
    words = whole.split()
    number, group = 1, None
    rest = []
    for word in words:
        if word.isdigit() and len(word) == 1:
            number = int(word)
        elif word in _GROUP_OF and group is None and len(words) > 1:
            group = _GROUP_OF[word]
        else:
            rest.append(word)
    forms = [whole, " ".join(rest)]
    if len(rest) > 1 and rest[-1] in _LAST:
        rest = rest[:-1]
        forms.append(" ".join(rest))
    while len(rest) > 1 and rest[0] in _OWNERS:
        rest = rest[1:]
        forms.append(" ".join(rest))
    return Header(tuple(dict.fromkeys(forms)), group, number)
