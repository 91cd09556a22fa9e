"""One folding for searches and for matching: what people leave out, and nothing else, goes.

`folding_in_sql` writes the same rules for PostgreSQL, from the same tables; a test holds both together.
"""

import re
import unicodedata

# Letters that Unicode does not decompose, as people write them on another keyboard. All are small: capitals are gone
# by then. Some are other shapes of a letter (the sigma at the end of a word, the Arabic alef, kaf, yeh and heh).
LETTERS = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "ɖ": "d",
    "ł": "l",
    "ħ": "h",
    "ŧ": "t",
    "ŋ": "n",
    "ı": "i",
    "ȷ": "j",
    "ə": "e",
    "ǝ": "e",
    "ɛ": "e",
    "ɔ": "o",
    "ɓ": "b",
    "ɗ": "d",
    "ƙ": "k",
    "ƴ": "y",
    "ƶ": "z",
    "ĸ": "k",
    "ς": "σ",
    "ٱ": "ا",
    "ى": "ي",
    "ی": "ي",
    "ک": "ك",
    "ة": "ه",
    "ہ": "ه",
}
# The same letters where people write two for one, and those that they write so although they decompose.
TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "đ": "dj"}
# Other signs for what the keyboard has, before anything else: some decompose into a blank and an accent.
SIGNS = {
    **dict.fromkeys("’‘ʼʻ‛`´′＇ʹʾʿ׳", "'"),
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    **dict.fromkeys("“”„‟«»״", '"'),
    "ŉ": "'n",
}
# Marks that are a letter's own part, as decomposed: the Cyrillic й is not и with an accent, nor ї, ў, ѓ and ќ.
KEPT = ("й", "ў", "ї", "ѓ", "ќ", "ӂ", "ӑ", "ӗ", "ӓ", "ӛ", "ӝ", "ӟ", "ӥ", "ӧ", "ӫ", "ӭ", "ӱ", "ӵ", "ӹ")
# The accents of Latin, Greek and Cyrillic, the points of Hebrew, the vowel signs of Arabic with its tatweel, and what
# shows nothing. Marks of other scripts are letters: कमल is not कमला, and か not が.
DROPPED = (
    ("\u00ad", "\u00ad"),
    ("\u0300", "\u036f"),
    ("\u0483", "\u0487"),
    ("\u0591", "\u05bd"),
    ("\u05bf", "\u05bf"),
    ("\u05c1", "\u05c2"),
    ("\u05c4", "\u05c5"),
    ("\u05c7", "\u05c7"),
    ("\u0610", "\u061a"),
    ("\u061c", "\u061c"),
    ("\u0640", "\u0640"),
    ("\u064b", "\u065f"),
    ("\u0670", "\u0670"),
    ("\u06d6", "\u06dc"),
    ("\u06df", "\u06e4"),
    ("\u06e7", "\u06e8"),
    ("\u06ea", "\u06ed"),
    ("\u200b", "\u200f"),
    ("\u202a", "\u202e"),
    ("\u2060", "\u206f"),
    ("\ufe00", "\ufe0f"),
    ("\ufeff", "\ufeff"),
)
# Scripts that set no blank between words, so that one there is taste: kana, ideographs, Thai, Lao, Burmese and Khmer.
# Hangul has words, and whether names are several (김 철수, 삼성 전자) is taste as well.
UNSPACED = (
    ("\u0e01", "\u0eff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u3005", "\u3007"),
    ("\u3040", "\u30ff"),
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\uac00", "\ud7a3"),
)


def _class(ranges: tuple[tuple[str, str], ...]) -> str:
    return "[" + "".join(f"{first}-{last}" for first, last in ranges) + "]"


_SIGNS = str.maketrans(SIGNS)
_KEPT = {unicodedata.normalize("NFD", letter): letter for letter in KEPT}
_HELD = re.compile("|".join(_KEPT))
_DROPPED = re.compile(_class(DROPPED))
_LETTERS = str.maketrans(LETTERS)
_TWO_LETTERS = str.maketrans(TWO_LETTERS | {letter.upper(): two for letter, two in TWO_LETTERS.items()})
_UNSPACED = re.compile(rf"(?<={_class(UNSPACED)})[ \u3000]+(?={_class(UNSPACED)})")


def fold(text: str) -> str:
    """The text without case, accents, and differences of signs; letters of other alphabets as people replace them.

    Takes a microsecond for ASCII and some ten for anything else. Folding twice is folding once.
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    # Twice: some signs decompose into a blank and an accent, and others into signs.
    text = unicodedata.normalize("NFKD", text.translate(_SIGNS)).translate(_SIGNS).lower()
    text = _HELD.sub(lambda found: _KEPT[found[0]], text)
    text = _DROPPED.sub("", text).translate(_LETTERS)
    return _UNSPACED.sub("", unicodedata.normalize("NFC", text))


def fold_two(text: str) -> str:
    """The folding of who writes ue for ü, oe for ø, aa for å and dj for đ; mostly it is the same as `fold`."""
    if text.isascii():
        return fold(text)
    return fold(unicodedata.normalize("NFC", text).translate(_TWO_LETTERS))


def foldings(text: str) -> tuple[str, ...]:
    """The one or two foldings of a text: two texts are the same to people who share one of them."""
    plain = fold(text)
    two = fold_two(text)
    return (plain,) if two == plain else (plain, two)
