"""What a text is once it has been cleaned: composed, with nothing at its ends, and blank where it shows nothing."""

import re
import unicodedata

# Unicode's characters that show nothing of their own (Default_Ignorable_Code_Point without those that letters need),
# and letters that look like a blank.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
# What chooses a form of the character before it, such as an emoji's, is a part of that one.
_SELECTORS = "\ufe00-\ufe0f\U000e0000-\U000e0fff"
# At an end the joiners show nothing either; inside of a word Persian and the scripts of India need them.
_BEFORE = re.compile(rf"[\s{_UNSEEN}{_SELECTORS}\u200c\u200d]*")
_BEHIND = re.compile(rf"[\s{_UNSEEN}\u200c\u200d]*")
_MOST_MARKS = 30
# Vowels of Tibetan that are no marks themselves and come apart into two.
_MADE_OF_MARKS = "\u0f73\u0f75\u0f81"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROLS_OF_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
# What a spreadsheet writes so that it does not itself take a number for one: ="0171", or '0171.
_GUARDS = frozenset("='\u2018\u2019\uff07")
_GUARD = re.compile(r"""\A=\s*"([^"]*)"\Z|\A['\u2018\u2019\uff07](?=[+0-9(])""")


class Fault(ValueError):
    """A text that cannot be what it is meant to be; its message says why in a sentence."""


def clean_text(text: str) -> str:
    """A text of several lines: composed (NFC), and with neither blanks nor unseen characters at its ends.

    Raises Fault for control characters other than tabs and the ends of lines.
    """
    return _clean(text, _CONTROLS_OF_LINES, "A control character is not allowed here.")


def clean_line(text: str) -> str:
    """The same for a text of one line. Raises Fault for any control character, a line break or a tab inside too."""
    return _clean(text, _CONTROLS, "A line break or another control character is not allowed here.")


def unguarded(text: str) -> str:
    """A cell's text without what a spreadsheet put around it to guard its digits: `="0171"` and `'0171`."""
    found = _GUARD.match(text) if text[:1] in _GUARDS else None
    if found is None:
        return text
    return text[1:] if found[1] is None else found[1]


def is_blank(text: str) -> bool:
    """Whether the text shows nothing."""
    return not trimmed(text)


def trimmed(text: str) -> str:
    """The text without blanks and unseen characters at its ends."""
    if text.isascii():
        return text.strip()
    # Matched at the two ends alone: a search for the last one would begin anew at each blank inside, and take minutes
    # for many, in which a process does nothing else.
    before = _BEFORE.match(text)
    text = text[before.end() :] if before else text
    behind = _BEHIND.match(text[::-1])
    return text[: len(text) - behind.end()] if behind else text


def _composed(text: str) -> str:
    """The text in NFC. Raises Fault for more marks on a letter than any language has (UAX 15, Stream-Safe Text Format).

    Putting them in order takes time that rises with the square of how many there are.
    """
    combining, marks = unicodedata.combining, 0
    for sign in text:
        marks = marks + 1 if combining(sign) or sign in _MADE_OF_MARKS else 0
        if marks > _MOST_MARKS:
            raise Fault(f"More than {_MOST_MARKS} marks on one letter are not allowed here.")
    return unicodedata.normalize("NFC", text)


def _clean(text: str, controls: re.Pattern[str], sentence: str) -> str:
    text = trimmed(text)
    if text.isascii():
        if text.isprintable():
            return text
    else:
        text = _composed(text)
    if controls.search(text):
        raise Fault(sentence)
    return text
