"""What a text is once it has been cleaned: composed, with nothing at its ends, and blank where it shows nothing."""

import re
import unicodedata

# Unicode's characters that show nothing of their own (Default_Ignorable_Code_Point without those that letters need),
# and letters that look like a blank.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufeff\uffa0\ufff0-\ufffb"
)
# What chooses a form of the character before it, such as an emoji's, is a part of that one.
_SELECTORS = "\ufe00-\ufe0f\U000e0000-\U000e0fff"
# At an end the joiners show nothing either; inside of a word Persian and the scripts of India need them.
_ENDS = re.compile(rf"\A[\s{_UNSEEN}{_SELECTORS}\u200c\u200d]+|[\s{_UNSEEN}\u200c\u200d]+\Z")
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
    return _ENDS.sub("", text)


def _clean(text: str, controls: re.Pattern[str], sentence: str) -> str:
    text = trimmed(text)
    if text.isascii():
        if text.isprintable():
            return text
    else:
        text = unicodedata.normalize("NFC", text)
    if controls.search(text):
        raise Fault(sentence)
    return text
