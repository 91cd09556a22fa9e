"""Known devices: where somebody has signed in before, so that nobody else's guesses keep them out there.

After the device cookies of the OWASP ("Slow Down Online Guessing Attacks with Device Cookies"), as a member of the
answer, because clients of an API keep no cookies. Nothing is stored: a token is signed and says which device it is and
when it was given, for one address of e-mail. It opens nothing without the password.
"""

import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

from identity import rules
from identity.keys import Authority

_NAME_BYTES = 16
_TIME_BYTES = 8
_SIGNATURE_BYTES = 32


def find_device(authority: Authority, email: str, token: str | None) -> bytes | None:
    """The device that a token was given to for this address; None for one that is not ours, not its, or too old."""
    try:
        raw = urlsafe_b64decode((token or "").encode("ascii") + b"=" * (-len(token or "") % 4))
    except ValueError:
        return None
    said, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _sign(authority, email, said)):
        return None
    given = int.from_bytes(said[_NAME_BYTES:])
    return said[:_NAME_BYTES] if 0 <= time.time() - given < rules.DEVICE_LIFE.total_seconds() else None


def device_token(authority: Authority, email: str, device: bytes | None = None) -> str:
    """A token for who has just shown the password of this address, good from now on; for a new device without one."""
    said = (device or secrets.token_bytes(_NAME_BYTES)) + int(time.time()).to_bytes(_TIME_BYTES)
    return urlsafe_b64encode(said + _sign(authority, email, said)).rstrip(b"=").decode()


def _sign(authority: Authority, email: str, said: bytes) -> bytes:
    return hmac.digest(authority.device_key, said + rules.normal_address(email).encode(), "sha256")
