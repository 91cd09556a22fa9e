"""Keys of names: equal where two spellings are of one name, and different where people are."""

import functools
import re
import unicodedata
from itertools import groupby

from people.folding import foldings

# Forms of company that are nobody's name: they come off wherever something is left.
_FORMS = frozenset(
    [
        "inc",
        "incorporated",
        "corp",
        "corporation",
        "llc",
        "llp",
        "lllp",
        "ltd",
        "limited",
        "plc",
        "gmbh",
        "ggmbh",
        "mbh",
        "ohg",
        "gbr",
        "gesmbh",
        "sarl",
        "srl",
        "srls",
        "sasu",
        "eurl",
        "aps",
        "kft",
        "zrt",
        "nyrt",
        "sro",
        "spzoo",
        "ltda",
        "lda",
        "bvba",
        "sprl",
        "oyj",
        "doo",
        "dooel",
        "ood",
        "eood",
        "pte",
        "pvt",
    ]
)
# Forms that are somebody's name as well, or a word: Maria Sá, João Co, Kim Se.
_DOUBTFUL = frozenset(
    [
        "co",
        "company",
        "ag",
        "kg",
        "ug",
        "eg",
        "ek",
        "ev",
        "se",
        "sa",
        "sas",
        "sl",
        "slu",
        "spa",
        "bv",
        "nv",
        "cv",
        "ab",
        "as",
        "asa",
        "ks",
        "hb",
        "kb",
        "oy",
        "pty",
        "pt",
        "bhd",
        "sdn",
        "scs",
        "snc",
        "kk",
    ]
)
# With their dots these are forms and, from three letters on, no names: S.A., s. r. o., Sp. z o.o., S.p.A.
_DOTTED = re.compile(r"(?<=[\s,])((?:[^\W\d_]{1,3}\.? ?){1,3}[^\W\d_]\.)\s*\Z")
_FORMS_WITH_DOTS = _FORMS | _DOUBTFUL | frozenset(("pllc", "slu", "sca"))
_LONGER_THAN_INITIALS = 3
# Set before a name, or without a blank.
_BEFORE = frozenset(("ооо", "оао", "зао", "пао", "ао", "ип", "тов"))
_ASIAN = re.compile("株式会社|有限会社|合同会社|\\(株\\)|\\(有\\)|有限公司|주식회사|\\(주\\)")
_AND = frozenset(("und", "and", "et", "og", "och", "en"))
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_PLUS_BETWEEN = re.compile(r"(?<=\w)\+(?=\w)")


@functools.cache
def _separators() -> re.Pattern[str]:
    """All punctuation, symbols and blanks as a class of characters: marks are none, which are part of a letter."""
    signs = (
        code
        for first, last in ((0, 0xD7FF), (0xE000, 0xFFFF), (0x1F000, 0x1FAFF))
        for code in range(first, last + 1)
        if unicodedata.category(chr(code))[0] in "PSZC" and chr(code) not in "+#"
    )
    runs = ([code for _, code in run] for _, run in groupby(enumerate(signs), lambda pair: pair[1] - pair[0]))
    # Only names that are not in ASCII need it, so it is made for the first of them.
    return re.compile("[" + "".join(f"\\U{run[0]:08x}-\\U{run[-1]:08x}" for run in runs) + "]+")


_SEPARATORS_IN_ASCII = re.compile(r"[^a-z0-9+#]+")


def name_key(name: str | None, *, firm: bool = False) -> str | None:
    """The first of `name_keys`; None for a name of signs alone."""
    keys = name_keys(name, firm=firm)
    return keys[0] if keys else None


def name_keys(name: str | None, *, firm: bool = False) -> tuple[str, ...]:
    """The keys of a name: two names are the same where they share one. There are two where letters have two spellings.

    Case, accents, punctuation and the form of company do not count, and "and" is the same in several languages. A form
    that may be a name (Sá, Co, Se) is one in the name of a `firm` of more than one word, and beside another form.
    """
    if not name:
        return ()
    return tuple(dict.fromkeys(key for folded in foldings(name) if (key := _key(folded, firm=firm))))


def _key(folded: str, *, firm: bool) -> str:
    text = folded if folded.isascii() else _ASIAN.sub(" ", folded)
    sure = text != folded
    if "'" in text:
        text = _APOSTROPHE.sub("", text)
    if "&" in text or "+" in text:
        text = _PLUS_BETWEEN.sub(" and ", text).replace("&", " and ")
    while text[-1:] == "." and (found := _DOTTED.search(text)) is not None:
        form, before = re.sub(r"[. ]", "", found[1]), text[: found.start()].rstrip(" ,")
        if form not in _FORMS_WITH_DOTS or not before.strip("'\""):
            break
        if len(form) < _LONGER_THAN_INITIALS:
            # Smith A.G. has initials: a word, which comes off as that word would.
            text = f"{before} {form}" if " " not in found[1] else text
            break
        text, sure = before, True
    separators = _SEPARATORS_IN_ASCII if text.isascii() else _separators()
    words = ["and" if word == "+" else word for word in separators.sub(" ", text).split()]
    for place in range(1, len(words) - 1):
        if words[place] in _AND:
            words[place] = "and"
    return " ".join(_without_form(words, firm=firm, sure=sure))


def _without_form(words: list[str], *, firm: bool, sure: bool) -> list[str]:
    """`sure` is that a form has come off before, so that this is the name of a firm."""
    if len(words) > 1 and words[0] in _BEFORE:
        words, sure = words[1:], True
    while len(words) > 1:
        last, before = words[-1], words[-2]
        of_form = sure or before in _FORMS or (len(words) > 2 and (firm or before in ("and", "co")))  # noqa: PLR2004
        if last in _FORMS or (last in _DOUBTFUL and of_form):
            sure = True
        elif not (last == "and" and sure):
            break
        words = words[:-1]
    return words
