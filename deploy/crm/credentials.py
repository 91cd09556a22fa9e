"""The secrets of one stack: made once, kept in one file of mode 600, never overwritten."""

import base64
import json
import secrets
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from pyrage import x25519

from crm.errors import OperatorError
from crm.files import write_private

_BYTES = 24


class Credentials:
    """Secrets by name from `home/secrets.json`; what is missing there is generated at the first use and saved."""

    def __init__(self, home: Path) -> None:
        self.path = home / "secrets.json"
        self._values: dict[str, str] = {}
        if self.path.exists():
            try:
                self._values = json.loads(self.path.read_text())
            except ValueError as error:
                # Regenerating would lock the stack out of its own data.
                raise OperatorError(f"{self.path} is damaged ({error}); restore it, or run `make destroy`.") from None

    def password(self, name: str) -> str:
        """A password of letters, digits, - and _ alone, so that it stands in URLs and SQL as it is."""
        return self._get(name, lambda: secrets.token_urlsafe(_BYTES))

    def fernet_key(self, name: str) -> str:
        return self._get(name, lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())

    def age_identity(self, name: str) -> str:
        """The secret key of a pair of age's, to open what was sealed for its public half."""
        return self._get(name, lambda: str(x25519.Identity.generate()))

    def items(self) -> Iterable[tuple[str, str]]:
        """Every secret there is, by its name."""
        return self._values.items()

    def values(self) -> Collection[str]:
        """Every secret there is, to look for where none may be."""
        return self._values.values()

    def _get(self, name: str, make: Callable[[], str]) -> str:
        if name not in self._values:
            self._values[name] = make()
            write_private(self.path, json.dumps(self._values, indent=1, sort_keys=True) + "\n")
        return self._values[name]
