"""The public keys that tokens are verified with, fetched from identity's JWKS (RFC 7517) and kept."""

import time
from threading import Lock
from urllib.request import urlopen

import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chassis.errors import Unavailable

REFRESH_AFTER = 600.0
PAUSE = 5.0

log = structlog.get_logger()


class KeySet:
    """Keys by id, from `url` (http, or file for a mounted document).

    Fetched on first use, again after ten minutes, and for an unknown id, but never more often than every five seconds,
    so that tokens with invented ids cannot make every request a fetch. While identity is away the keys at hand serve.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = Lock()

    def find(self, kid: str) -> RSAPublicKey | None:
        """The key with this id, or None. Raises Unavailable when no key could be had yet."""
        key = self._keys.get(kid)
        if key is None or time.monotonic() - self._fetched_at > REFRESH_AFTER:
            self._fetch()
            key = self._keys.get(kid)
        if key is None and not self._keys:
            raise Unavailable(
                "keys_unavailable",
                "The keys to verify tokens with are not to be had now.",
                headers={"Retry-After": "2"},
            )
        return key

    def _fetch(self) -> None:
        with self._lock:
            if time.monotonic() - self._tried_at < PAUSE:
                return
            self._tried_at = time.monotonic()
            try:
                with urlopen(self._url, timeout=1) as answer:  # noqa: S310  # The URL is a setting, not input.
                    document = orjson.loads(answer.read(65536))
                found = {
                    entry["kid"]: jwt.PyJWK(entry, algorithm="RS256").key
                    for entry in document["keys"]
                    if entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig"
                }
            except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
                log.warning("keys_not_fetched", url=self._url, error=str(error))
                return
            if found:
                self._keys = found
                self._fetched_at = time.monotonic()
