"""Keys of names: equal where two spellings are of one name, and different where people are."""

import functools
import re
import unicodedata
from itertools import groupby

from people.folding import fold, foldings


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Forms of company that are nobody's name, as letters alone: they come off wherever something is left.
_FORMS = _words(
    """
    inc incorporated corp corporation llc llp lllp pllc ltd limited plc publiclimitedcompany limitedliabilitycompany
    gmbh ggmbh mbh hmbh ohg gbr egbr gesbr gesmbh kgaa partg partgmbb mbb haftungsbeschrankt haftungsbeschraenkt
    aktiengesellschaft kommanditgesellschaft eingetragenerkaufmann eingetragenekauffrau eingetragenerverein
    gesellschaftmitbeschrankterhaftung gesellschaftmitbeschraenkterhaftung unternehmergesellschaft
    sarl sasu eurl selarl scop societeanonyme srl srls scarl scrl sapa
    slu sll sadecv sabdecv sapidecv sderl sderldecv sacv ltda eireli lda
    bvba cvba sprl vof asbl vzw
    aps ivs oyj oyab abpubl ehf
    kft zrt nyrt sro spolsro spzoo spzook spzoospk spk spj spka doo dooel ood eood ead uab
    pte pvt ltdsti tbk
    ооо оао зао пао оод еоод доо тов
    επε ικε еад тоо
    jdoo shpk ذمم شذمم
    aktiebolag handelsbolag kommanditbolag aktieselskab anpartsselskab osakeyhtio aksjeselskap einkahlutafelag
    societeparactionssimplifiee societearesponsabilitelimitee societaperazioni societaaresponsabilitalimitata
    sociedadanonima sociedadlimitada sociedadeanonima sociedadelimitada spolkazoo spolkaakcyjna
    spolkazograniczonaodpowiedzialnoscia akciovaspolecnost spolecnostsrucenimomezenym
    korlatoltfelelossegutarsasag naamlozevennootschap beslotenvennootschap anonimsirketi limitedsirketi
    """
)
# Forms that are somebody's name as well, or a word: Maria Sá, João Co, Kim Se.
_DOUBTFUL = _words(
    """
    co company se sa sas sl spa ab as asa ans is hb kb ky oy pty pt bhd sdn scs snc sci sau pc pa
    ks dd ad hf sia ou pfa ss kk sti partnerschaft
    """
)
# Of these, too, but no name of a firm: Delta AG is called Delta, and Kim Ek is not called Kim.
_OF_FIRMS = _words("ag kg ug eg ek ekfm ekfr ev aor aoer bv nv cv lp lc bt rt vos gk ао ад ае αε οε")
# What a firm is while it is founded or wound up: Delta GmbH i.G., i.L.
_STAGES = frozenset(("ig", "il", "iins"))
# Of two words that make a form together, and are none alone or doubtful ones.
_OF_WORDS = _words("sdnbhd privatelimited privateltd proprietarylimited companylimited fzllc")
_ALL_FORMS = _FORMS | _DOUBTFUL | _OF_FIRMS | _STAGES | _OF_WORDS
# The last word of a form of several, as one that has a blank may end: Ltd. Şti., S.A. de C.V.
_ENDS = frozenset(form[place:] for form in _ALL_FORMS for place in range(len(form)))
_MOST_WORDS = 5
_LONG_ENOUGH = 12
_LONGER_THAN_INITIALS = 3
# With small and capital letters as they stand these are forms and no initials.
_REGISTERED = re.compile(r"(?<=\w)[\s,]+(?:e\. ?(?:K|V|G|Kfm|Kfr)\.?|e(?:K|V|G|GbR)|OÜ|AŞ)\s*\Z")
# Set before a name, or without a blank.
_BEFORE = frozenset(("ооо", "оао", "зао", "пао", "ао", "ип", "тов", "тоо", "фоп", "ет", "შპს", "სს", "uab", "sia"))
# The same before the name of a firm, and the others only where it has a form at its end too: SC Freiburg is a club.
_BEFORE_FIRMS = frozenset(("ab", "oy", "pt"))
_BEFORE_AND_BEHIND = frozenset((*_BEFORE_FIRMS, "sc"))
_ANYWHERE = re.compile(
    "|".join(
        sorted(
            map(
                re.escape,
                map(
                    fold,
                    (
                        *("株式会社", "有限会社", "合同会社", "合資会社", "合名会社", "(株)", "(有)", "(同)"),
                        *("股份有限公司", "有限责任公司", "有限責任公司", "有限公司"),
                        *("주식회사", "유한회사", "(주)", "(유)"),
                        *("ห้างหุ้นส่วนจำกัด", "บริษัท", "จำกัด", "(มหาชน)", "บจก.", "บมจ.", "หจก."),
                        *('בע"מ', "בעמ"),
                        *("प्राइवेट लिमिटेड", "लिमिटेड", "प्रा. लि.", "प्रा.लि."),
                        *("общество с ограниченной ответственностью", "товариство з обмеженою відповідальністю"),
                        *("публичное акционерное общество", "акционерное общество", "приватне підприємство"),
                        *("индивидуальный предприниматель", "фізична особа підприємець"),
                    ),
                ),
            ),
            key=len,
            reverse=True,
        )
    )
)
_VIETNAMESE = re.compile(
    r"\A(?:ctcp|(?:cong ty|cty) (?:tnhh|trach nhiem huu han|co phan|cp)(?: mtv| mot thanh vien)?) (?=\w)"
)
_AND = frozenset(("und", "and", "et", "og", "och", "en", "и", "y", "ve", "και", "та"))
# The same words in the names of firms, which have no initials and no second names.
_AND_OF_FIRMS = _AND | frozenset(("i", "e", "a", "es", "si", "ja", "va"))
_APOSTROPHE = re.compile(r"(?<=\w)['·](?=\w)")
_PLUS_BETWEEN = re.compile(r"(?<=\w)\+(?=\w)")
_MARKS = re.compile(r"[./(]")


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
    that may be a name (Sá, Co, Se) is one in the name of a `firm` where more than a word is left or its marks tell it
    (A/S), and beside another form; one that is no firm's name (AG, e.K.) in that of any `firm`.
    """
    if not name:
        return ()
    without = _REGISTERED.sub("", name)
    sure = without != name
    return tuple(dict.fromkeys(key for folded in foldings(without) if (key := _key(folded, firm=firm, sure=sure))))


def depends_on_kind(name: str) -> bool:
    """Whether a name may have other keys as a firm's than as a person's."""
    words = fold(name).replace(",", " ").split()
    return len(words) > 1 and (
        _letters(words[-1]) in _ENDS
        or _letters(words[0]) in _BEFORE_FIRMS
        or not _AND_OF_FIRMS.isdisjoint(words[1:-1])
        or not words[-1].isascii()
    )


def _key(folded: str, *, firm: bool, sure: bool) -> str:
    text = folded if folded.isascii() else _ANYWHERE.sub(" ", folded)
    if text != folded:
        # A name of nothing but its form is called so.
        text, sure = (text, True) if any(map(str.isalnum, text)) else (folded, sure)
    if "'" in text or "·" in text:
        text = _APOSTROPHE.sub("", text)
    if "&" in text or "+" in text:
        text = _PLUS_BETWEEN.sub(" and ", text).replace("&", " and ")
    separators = _SEPARATORS_IN_ASCII if text.isascii() else _separators()
    words = _without_form(text.replace(",", " ").split(), firm=firm, sure=sure)
    words = ["and" if word == "+" else word for word in separators.sub(" ", " ".join(words)).split()]
    for place in range(1, len(words) - 1):
        if words[place] in (_AND_OF_FIRMS if firm else _AND):
            words[place] = "and"
    key = " ".join(words)
    return _VIETNAMESE.sub("", key) if key.startswith("c") else key


def _without_form(words: list[str], *, firm: bool, sure: bool) -> list[str]:
    """The words before the forms at the end, and behind one at the beginning.

    `sure` is that a form has come off before, so that this is the name of a firm.
    """
    if len(words) > 1 and (words[0] in _BEFORE or (firm and _letters(words[0]) in _BEFORE_FIRMS)):
        words, sure = words[1:], True
    while len(words) > 1:
        count, form, marked = _form_of(words)
        before = _letters(words[-count - 1]) if count else ""
        if count and not any(_letters(word) for word in words[:-count]):
            break
        if count and (
            form in _FORMS
            or sure
            or before in _FORMS
            or (form in _OF_FIRMS and firm)
            or form in _OF_WORDS
            or (marked and (firm or len(form) >= _LONGER_THAN_INITIALS))
            or (form not in _STAGES and len(words) > count + 1 and (firm or before in _AND or before == "co"))
        ):
            words, sure = words[:-count], True
            if len(words) > 1 and _letters(words[0]) in _BEFORE_AND_BEHIND:
                words = words[1:]
        elif sure and (words[-1] == "+" or words[-1] in _AND):
            words = words[:-1]
        else:
            # Smith A.G. may have initials, and is written as Smith AG is.
            return [*words[:-1], form] if count == 1 else words
    return words


def _form_of(words: list[str]) -> tuple[int, str, bool]:
    """How many of the last words are a form, which one, and whether it is marked as one; 0 words where they are none.

    With its marks it may have blanks: S.A. de C.V., Sp. z o. o., (Pty), A/S.
    """
    if _letters(words[-1]) not in _ENDS:
        return 0, "", False
    for count in range(min(_MOST_WORDS, len(words) - 1), 0, -1):
        text = "".join(words[-count:])
        form = _letters(text)
        marked = _MARKS.search(text, 0, len(text) - 1) is not None
        if form in _ALL_FORMS and (count == 1 or marked or len(form) >= _LONG_ENOUGH or form in _OF_WORDS):
            return count, form, marked
    return 0, "", False


def _letters(word: str) -> str:
    return word if word.isalnum() else "".join(filter(str.isalnum, word))
