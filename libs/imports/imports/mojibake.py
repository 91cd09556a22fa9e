"""Files whose UTF-8 some program took for Windows-1252 and wrote as UTF-8 once more: JÃ¼rgen for Jürgen. Pure.

They are read by an encoding of their own, `utf-8-twice`, which is registered here.
"""

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

TWICE = "utf-8-twice"
# From here on it is no chance.
_LEAST_RUNS = 2
_MOST_OTHERS = 0.1


def _sign(byte: int) -> str:
    """What programs show for a byte in Windows-1252; five are none there and stay control characters."""
    try:
        return bytes((byte,)).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


_BYTES = {ord(_sign(byte)): byte for byte in range(0x80, 0x100)} | {byte: byte for byte in range(0x80, 0xA0)}
_SIGNS = "".join(map(re.escape, map(chr, _BYTES)))
_RUN = re.compile(f"[{_SIGNS}]+")
_OTHERS = re.compile(f"[^\\x00-\\x7f{_SIGNS}]+")


def is_twice(text: str) -> bool:
    """Whether nearly all letters beyond ASCII are what UTF-8 looks like in Windows-1252."""
    runs = _RUN.findall(text)
    others = sum(mended(run) == run for run in runs) + sum(map(len, _OTHERS.findall(text)))
    return len(runs) >= _LEAST_RUNS and others <= _MOST_OTHERS * len(runs)


def mended(text: str) -> str:
    """The text with what was encoded twice as it was once; anything else stays as it is."""
    return _RUN.sub(lambda found: _once(found[0]), text)


def _once(run: str) -> str:
    try:
        return bytes(_BYTES[ord(sign)] for sign in run).decode("utf-8")
    except UnicodeDecodeError:
        return run


class _Decoder(codecs.IncrementalDecoder):
    """Decodes piece by piece; a run that may go on in the next piece is kept for it."""

    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self.reset()

    def reset(self) -> None:
        self._outer = codecs.getincrementaldecoder("utf-8-sig")(self.errors)
        self._kept = ""

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
        text = self._kept + self._outer.decode(data, final)
        whole = len(text)
        while not final and whole and ord(text[whole - 1]) in _BYTES:
            whole -= 1
        self._kept = text[whole:]
        return mended(text[:whole])


def _decode(data: "Buffer", errors: str = "strict", /) -> tuple[str, int]:
    given = bytes(data)
    return mended(given.decode("utf-8-sig", errors)), len(given)


def _find(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != TWICE:
        return None
    utf8 = codecs.lookup("utf-8")
    return codecs.CodecInfo(
        name=TWICE,
        encode=utf8.encode,
        decode=_decode,
        incrementaldecoder=_Decoder,
        incrementalencoder=utf8.incrementalencoder,
    )


codecs.register(_find)
