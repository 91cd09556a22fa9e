"""Months by the words of many languages, as they begin."""

from people.folding import fold

# Folded, when they are read. Who writes listopada means October in Croatian and November in Polish, so it is none.
_WORDS = (
    "jan ene gen ian styc led sij tam янв січ ocak ιαν يناير ינואר जनवरी มกราคม ม.ค",
    "feb fev luty lute uno velj hel фев лют sub φεβ فبراير פברואר फरवरी กุมภาพันธ์ ก.พ",
    "mar maer maart mrt maalis bre ozu брез мар бер μαρ مارس מרץ मार्च มีนาคม มี.ค",
    "apr avr abr kwi dub huh апр кві nis απρ ابريل אפריל अप्रैल เมษายน เม.ย",
    "mai may mag maj mei kve svi tou май мая тра μαι مايو מאי मई พฤษภาคม พ.ค",
    "jun juin juun giu iun cze czer cerven cervna kesa lipanj lipnj июн чер haz ιουν يونيو יוני जून มิถุนายน มิ.ย",
    "jul juil juul lug iul lipc lipie cervenec cervence hei srpanj srpnj июл лип tem ιουλ يوليو יולי जुलाई กรกฎาคม ก.ค",
    "aug aout ago aou sier srpen srpna kolo elo авг сер agu αυγ اغسطس אוגוסט अगस्त สิงหาคม ส.ค sie",
    "sep set sze wrz zar ruj syy сен вер eyl σεπ سبتمبر ספטמבר सितंबर सितम्बर กันยายน ก.ย",
    "oct okt ott out paz rij lok окт жов eki οκτ اكتوبر אוקטובר अक्टूबर अक्तूबर ตุลาคม ต.ค",
    "nov noi marras stu listopadu ноя лис kas νοε نوفمبر נובמבר नवंबर नवम्बर พฤศจิกายน พ.ย",
    "dec dez dic gru pro jou дек гру ara δεκ ديسمبر דצמבר दिसंबर दिसम्बर ธันวาคม ธ.ค",
)
_MONTHS = {fold(word): month for month, words in enumerate(_WORDS, 1) for word in words.split()}
# Who writes Hebrew writes "the 31 in May".
_HEBREW_IN = "ב"
_SHORTEST, _LONGEST = min(map(len, _MONTHS)), max(map(len, _MONTHS))


def month_of(word: str) -> int | None:
    """The month that a word or its abbreviation means, from 1 to 12: the one that it begins like for longest."""
    text = fold(word)
    if text[:1] == _HEBREW_IN and text[1:2].isalpha():
        text = text[1:]
    return next((month for size in range(_LONGEST, _SHORTEST - 1, -1) if (month := _MONTHS.get(text[:size]))), None)
