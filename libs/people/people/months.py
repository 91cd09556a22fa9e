"""Months by the words of many languages, as they begin."""

from people.folding import fold

# Folded. Who writes listopada means October in Croatian and November in Polish, so it is none.
_WORDS = (
    "jan ene gen ian styc led sij tam янв січ ocak ιαν",
    "feb fev luty lute uno velj hel фев лют sub φεβ",
    "mar maer maart mrt maalis bre ozu брез мар бер μαρ",
    "apr avr abr kwi dub huh апр кві nis απρ",
    "mai may mag maj mei kve svi tou май мая тра μαι",
    "jun juin juun giu iun cze czer cerven cervna kesa lipanj lipnj июн чер haz ιουν",
    "jul juil juul lug iul lipc lipie cervenec cervence hei srpanj srpnj июл лип tem ιουλ",
    "aug aout ago aou sier srpen srpna kolo elo авг сер agu αυγ",
    "sep set sze wrz zar ruj syy сен вер eyl σεπ",
    "oct okt ott out paz rij lok окт жов eki οκτ",
    "nov noi marras stu listopadu ноя лис kas νοε",
    "dec dez dic gru pro jou дек гру ara δεκ",
)
_MONTHS = {word: month for month, words in enumerate(_WORDS, 1) for word in words.split()}
_SHORTEST, _LONGEST = min(map(len, _MONTHS)), max(map(len, _MONTHS))


def month_of(word: str) -> int | None:
    """The month that a word or its abbreviation means, from 1 to 12: the one that it begins like for longest."""
    text = fold(word)
    return next((month for size in range(_LONGEST, _SHORTEST - 1, -1) if (month := _MONTHS.get(text[:size]))), None)
