"""Letters as files in a folder: for a machine without a mail server, where people look there."""

from collections.abc import Iterator
from contextlib import contextmanager
from email.headerregistry import Address
from email.policy import default
from pathlib import Path

from chassis.mail.letters import Carrier, Letter, NotSentError, compose, reason_of


class FileMailer:
    """Writes each letter to a file of its own that nobody else may read."""

    def __init__(self, sender: Address, folder: Path) -> None:
        self._sender = sender
        self._folder = folder

    @contextmanager
    def open(self) -> Iterator[Carrier]:
        """Make the folder."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise NotSentError(reason_of(error), away=True) from None
        yield self

    def carry(self, letter: Letter) -> None:
        """Write the file at once and whole; a second attempt writes the same file again."""
        # Left as it is whatever letters are in it, because people and scripts read it.
        message = compose(self._sender, letter, encoding="8bit")
        # Several services may write to one folder, each with ids of its own.
        path = self._folder / f"{letter.id:08}-{letter.mark[:8]}.eml"
        unfinished = path.with_suffix(".part")
        try:
            unfinished.touch(mode=0o600)
            unfinished.write_bytes(message.as_bytes(policy=default))
            unfinished.replace(path)
        except OSError as error:
            raise NotSentError(reason_of(error), away=True) from None
